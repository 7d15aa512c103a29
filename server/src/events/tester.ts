/** Calls a subscriber now, with one test event. Nothing is written, whatever the result. */
import { newUuid } from '../domain/ids.ts';
import type { TestResult, TestTarget } from '../domain/subscription.ts';
import type { Logger } from '../lib/log.ts';
import { callSink, type Sinks } from './call-sink.ts';
import { renderTest } from './render.ts';

/** Calls subscribers as deliveries would. */
export function createTester(
  options: Sinks & { readonly log: Logger },
): (target: TestTarget) => Promise<TestResult> {
  return async (target) => {
    const startedAt = performance.now();
    const at = new Date();
    const event = renderTest(target.id, newUuid(at.getTime()), at);
    const batch = { id: `batch_${event.id.slice(2)}`, at, events: [event] };
    const { kind, status, detail } = await callSink(target, batch, options, options.log, 'call');
    return {
      delivered: kind === 'delivered',
      httpStatus: status,
      detail,
      tookMs: Math.round(performance.now() - startedAt),
    };
  };
}
