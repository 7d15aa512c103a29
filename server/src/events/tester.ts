/** Tester: calls a subscriber now, with one event that tries it out. Nothing is written, whatever comes of it. */
import { newUuid } from '../domain/ids.ts';
import type { TestResult, TestTarget } from '../domain/subscription.ts';
import type { Logger } from '../lib/log.ts';
import { renderTest } from './render.ts';
import type { DeliveryResult, EventSink } from './sink.ts';

/** Calls subscribers as deliveries would. */
export function createTester(options: {
  readonly webhook: EventSink;
  /** The sink of a broker, by its name in the configuration; undefined when there is none. */
  readonly findSink: (name: string) => Promise<EventSink | undefined>;
  readonly log: Logger;
}): (target: TestTarget) => Promise<TestResult> {
  return async (target) => {
    const startedAt = performance.now();
    const { kind, status, detail } = await call(target, options);
    return {
      delivered: kind === 'delivered',
      httpStatus: status,
      detail,
      tookMs: Math.round(performance.now() - startedAt),
    };
  };
}

async function call(
  { id, kind, target, secrets, authToken }: TestTarget,
  { webhook, findSink, log }: Parameters<typeof createTester>[0],
): Promise<Pick<DeliveryResult, 'kind' | 'status' | 'detail'>> {
  const failed = (detail: string) => ({ kind: 'failed', status: null, detail }) as const;
  const at = new Date();
  const event = renderTest(id, newUuid(at.getTime()), at);
  try {
    const sink = kind === 'SINK' ? await findSink(target) : webhook;
    if (sink === undefined)
      return failed(`There is no sink "${target}" in the configuration of this node.`);
    return await sink.deliver(
      { url: target, secrets, authToken },
      { id: `batch_${event.id.slice(2)}`, at, events: [event] },
    );
  } catch (error) {
    log.error({ err: error, subscription: id }, 'A sink threw');
    return failed('The call failed inside the server; its log says why.');
  }
}
