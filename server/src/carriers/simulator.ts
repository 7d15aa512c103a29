/**
 * The simulator: a carrier without a network. It answers asynchronously and sends receipts later. It can be slow, lose
 * and reject messages, and has special numbers. Random outcomes depend only on the seed and the submission's reference,
 * so a run can be repeated. It does not de-duplicate: a message submitted twice is sent twice, and its journal shows it.
 */
import { openSync, closeSync, writeSync } from 'node:fs';
import type { Channel } from '../domain/message.ts';
import { EXPIRED, hasExpired } from './carrier.ts';
import type { Carrier, Receipt, ReceiptSink, SendResult, Submission } from './carrier.ts';
import { findBehaviour, hashReference, type Behaviour } from './simulator-numbers.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/** A range of milliseconds, both ends included. */
export interface DelayRange {
  readonly min: number;
  readonly max: number;
}

export interface SimulatorOptions {
  readonly name: string;
  readonly channels: readonly Channel[];
  readonly ambiguous: 'hold' | 'resend';
  readonly windowMax: number;
  readonly seed: number;
  readonly answerDelayMs: DelayRange;
  readonly receiptDelayMs: DelayRange;
  /** Submissions taken per second; 0 is unlimited. */
  readonly throughputPerSecond: number;
  /** Shares of 0 to 1: refused at submit; accepted without any receipt; undelivered; read after delivery. */
  readonly failureRate: number;
  readonly lossRate: number;
  readonly undeliveredRate: number;
  readonly readRate: number;
  /** File that gets a line of JSON for each submission taken, written before the answer; null for none. */
  readonly journalFile: string | null;
}

/** Maximum numbers of receipts in one call, and of receipts that are not stored yet. */
const RECEIPTS_MAX = 500;
const IN_HAND_MAX = 20_000;

export function createSimulator(options: SimulatorOptions): Carrier {
  const chance = (reference: string, salt: number) => hashReference(reference, options.seed + salt);
  const timeline: Timeline = createTimeline();
  const limit = createRateLimit(options.throughputPerSecond);
  const throttledUntil = new Map<string, number>();
  let journal: number | null = null;
  let receive: ReceiptSink | null = null;
  let receipts: Receipt[] = [];
  let isHanding = false;
  let inHandCount = 0;
  const inHand = new Set<Promise<void>>();

  function report(receipt: Receipt): void {
    receipts.push(receipt);
    if (isHanding) return;
    isHanding = true;
    setImmediate(handOn);
  }

  /** Receipts beyond the maximum wait here, as they would at a carrier. */
  function handOn(): void {
    isHanding = false;
    while (receipts.length > 0 && inHandCount < IN_HAND_MAX && receive !== null) {
      const some = receipts.splice(0, RECEIPTS_MAX);
      inHandCount += some.length;
      const stored = receive(some).finally(() => {
        inHandCount -= some.length;
        inHand.delete(stored);
        handOn();
      });
      inHand.add(stored);
    }
  }

  function within({ min, max }: DelayRange, reference: string, salt: number): number {
    return max <= min ? min : min + chance(reference, salt) * (max - min);
  }

  function scheduleReceipts(submission: Submission, behaviour: Behaviour): void {
    for (const status of behaviour.receipts) {
      const receipt: Receipt =
        status === 'UNDELIVERED'
          ? {
              reference: submission.reference,
              status,
              code: 30003,
              detail: 'Unreachable destination handset',
            }
          : { reference: submission.reference, status };
      if (behaviour.receiptFirst) report(receipt);
      else
        timeline.after(within(options.receiptDelayMs, submission.reference, 3), () =>
          report(receipt),
        );
    }
  }

  /** Numbers without a rule of their own: as the rates say. */
  function drawBehaviour(reference: string): Behaviour {
    if (chance(reference, 1) < options.failureRate)
      return {
        kind: 'refuse',
        code: 30006,
        detail: 'Refused by chance (failureRate)',
        receipts: [],
      };
    const outcome = chance(reference, 2);
    const lost = options.lossRate;
    const undelivered = lost + options.undeliveredRate;
    if (outcome < lost) return { kind: 'accept', receipts: [] };
    if (outcome < undelivered) return { kind: 'accept', receipts: ['UNDELIVERED'] };
    return {
      kind: 'accept',
      receipts: outcome < undelivered + options.readRate ? ['DELIVERED', 'READ'] : ['DELIVERED'],
    };
  }

  function throttleOnce(submission: Submission, forMs: number): SendResult | null {
    const now = performance.now();
    const until = throttledUntil.get(submission.reference) ?? now + forMs;
    if (until <= now) {
      throttledUntil.delete(submission.reference);
      return null;
    }
    throttledUntil.set(submission.reference, until);
    return { kind: 'throttled', afterMs: Math.ceil(until - now) };
  }

  function answer(submission: Submission): { result: SendResult; delayMs: number } {
    const behaviour = findBehaviour(submission) ?? drawBehaviour(submission.reference);
    const delayMs =
      behaviour.answerDelayMs ?? within(options.answerDelayMs, submission.reference, 4);
    if (behaviour.throttleMs !== undefined) {
      const throttled = throttleOnce(submission, behaviour.throttleMs);
      if (throttled !== null) return { result: throttled, delayMs };
    }
    const waitMs = limit.take();
    if (waitMs > 0) return { result: { kind: 'throttled', afterMs: waitMs }, delayMs };
    if (hasExpired(submission, Date.now())) return { result: EXPIRED, delayMs };
    if (journal !== null) writeSync(journal, `${journalLine(submission)}\n`);
    if (behaviour.kind !== 'accept')
      return {
        result: {
          kind: behaviour.kind === 'refuse' ? 'rejected' : 'retry',
          code: behaviour.code ?? 30008,
          detail: behaviour.detail ?? '',
        },
        delayMs,
      };
    scheduleReceipts(submission, behaviour);
    return {
      result: { kind: 'accepted', providerId: providerIdOf(submission.reference) },
      delayMs,
    };
  }

  /** Short and opaque, like carriers' ids. */
  function providerIdOf(reference: string): string {
    return `sim-${Math.floor(chance(reference, 5) * 2 ** 32).toString(36)}`;
  }

  return {
    name: options.name,
    channels: new Set(options.channels),
    ambiguous: options.ambiguous,
    quotesOwnIds: false,
    windowMax: options.windowMax,
    async start(sink) {
      receive = sink;
      if (options.journalFile !== null) journal = openSync(options.journalFile, 'a');
    },
    send(submission) {
      if (receive === null)
        return Promise.resolve({ kind: 'retry', code: 30008, detail: 'The simulator is stopped' });
      const { result, delayMs } = answer(submission);
      return new Promise((resolve) => timeline.after(delayMs, () => resolve(result)));
    },
    async stop() {
      receive = null;
      timeline.stop();
      await Promise.all(inHand);
      if (journal !== null) closeSync(journal);
      journal = null;
    },
  };
}

/** Media, rich content, e-mail and expiry if present; of attachments only the sizes. */
function journalLine({ mediaUrls, rich, email, expireAt, ...rest }: Submission): string {
  return JSON.stringify({
    at: new Date().toISOString(),
    ...rest,
    ...(mediaUrls.length === 0 ? {} : { mediaUrls }),
    ...(rich === null ? {} : { rich }),
    ...(email === null
      ? {}
      : {
          email: {
            ...email,
            attachments: email.attachments.map(({ content, ...each }) => ({
              ...each,
              size: content.byteLength,
            })),
          },
        }),
    ...(expireAt === null ? {} : { expireAt }),
  });
}

/** A bucket of one second; `take` returns 0, or the milliseconds until there is room. */
function createRateLimit(perSecond: number): { take(): number } {
  let tokens = perSecond;
  let filledAt = performance.now();
  return {
    take() {
      if (perSecond === 0) return 0;
      const now = performance.now();
      tokens = Math.min(perSecond, tokens + ((now - filledAt) * perSecond) / 1000);
      filledAt = now;
      if (tokens < 1) return Math.ceil(((1 - tokens) * 1000) / perSecond);
      tokens -= 1;
      return 0;
    },
  };
}
