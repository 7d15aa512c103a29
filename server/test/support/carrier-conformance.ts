/**
 * What every carrier that speaks over a network owes, whatever it speaks. A carrier's test calls `describeCarrier` with
 * the carrier and the far side that it talks to; what only one kind can do stays in that kind's own file.
 */
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Carrier, Receipt, SendResult, Submission } from '../../src/carriers/carrier.ts';
import { until } from './until.ts';

/** What the far side does with one submission. */
export type Act =
  | 'accept'
  | 'refuse'
  | 'throttle'
  /** Takes it and loses the connection before it answers. */
  | 'drop-before-answer'
  /** Answers and loses the connection. */
  | 'drop-after-answer'
  /** Answers when `release` is called. */
  | 'late'
  /** Never answers. */
  | 'silent'
  | 'answer-twice'
  /** The receipt, then the answer. */
  | 'receipt-first'
  /** What is not the protocol at all, instead of an answer. */
  | 'garbage';

/** A far side under control. */
export interface FarSide {
  /** Submissions that came, in order, and what was done with them. */
  readonly submissions: readonly {
    readonly to: string;
    readonly text: string;
    readonly act: Act;
  }[];
  /** Most submissions without an answer that it has seen at one moment. */
  readonly concurrentMax: number;
  /** What to do with the next submissions, in order; those beyond are accepted. */
  plan(...acts: Act[]): void;
  /** Answers what is `late`. */
  release(): void;
  /** Sends a receipt on the submission with this index. */
  receipt(index: number, status: 'DELIVERED' | 'UNDELIVERED'): void;
  close(): Promise<void>;
}

/** A carrier that was not started, with short time-outs (an answer a second), and its far side. */
export type CarrierSetup = () => Promise<{ readonly carrier: Carrier; readonly far: FarSide }>;

/** A submission like any other. */
export function aSubmission(fields: Partial<Submission> = {}): Submission {
  return {
    reference: '2s-0192f0a0aaaa2bcd9e0123456789c012',
    channel: 'SMS',
    from: '+15005550100',
    to: '+4917012345',
    text: 'Hello',
    mediaUrls: [],
    rich: null,
    email: null,
    expireAt: null,
    ...fields,
  };
}

type Kinds = ReadonlySet<SendResult['kind']>;

/** What may be said of a submission by what was done with it; the connection may break over any. */
const ACCEPTED: Kinds = new Set(['accepted', 'unknown']);
const UNKNOWN: Kinds = new Set(['unknown']);
const TRUTHS: Readonly<Record<Act | 'never', Kinds>> = {
  accept: ACCEPTED,
  refuse: new Set(['rejected', 'unknown']),
  throttle: new Set(['throttled', 'unknown']),
  'drop-before-answer': UNKNOWN,
  'drop-after-answer': ACCEPTED,
  late: ACCEPTED,
  silent: UNKNOWN,
  'answer-twice': ACCEPTED,
  'receipt-first': ACCEPTED,
  garbage: UNKNOWN,
  /** It did not arrive there: it was not sent, or lost on the way. */
  never: new Set(['throttled', 'retry', 'unknown']),
};

/** Whether a receipt is on a submission that was answered with `result`. */
function isOn(receipt: Receipt | undefined, submission: Submission, result: SendResult): boolean {
  if (receipt === undefined || result.kind !== 'accepted') return false;
  return receipt.reference === undefined
    ? receipt.providerIds.includes(result.providerId)
    : receipt.reference === submission.reference;
}

/** The suite. */
export function describeCarrier(name: string, setup: CarrierSetup): void {
  describe(`${name}, as every carrier`, () => {
    const stops: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const stop of stops.splice(0).toReversed()) await stop();
    });

    async function begin() {
      const { carrier, far } = await setup();
      const receipts: Receipt[] = [];
      stops.push(
        () => far.close(),
        () => carrier.stop(),
      );
      await carrier.start(async (some) => void receipts.push(...some));
      return { carrier, far, receipts };
    }

    const accepted = expect.objectContaining({ kind: 'accepted' });

    it('submits', async () => {
      const { carrier, far } = await begin();
      const result = await carrier.send(aSubmission());
      expect(result).toEqual({ kind: 'accepted', providerId: expect.stringMatching(/./) });
      expect(far.submissions).toEqual([{ to: '+4917012345', text: 'Hello', act: 'accept' }]);
    });

    it('tells a refusal from a throttling, and goes on', async () => {
      const { carrier, far } = await begin();
      far.plan('refuse', 'throttle');
      expect(await carrier.send(aSubmission())).toEqual({
        kind: 'rejected',
        code: expect.any(Number),
        detail: expect.stringMatching(/./),
      });
      expect(await carrier.send(aSubmission())).toEqual({
        kind: 'throttled',
        afterMs: expect.any(Number),
      });
      expect(await carrier.send(aSubmission())).toEqual(accepted);
      expect(far.submissions).toHaveLength(3);
    });

    it('does not know what became of a submission when the connection is lost before the answer', async () => {
      const { carrier, far } = await begin();
      far.plan('drop-before-answer');
      expect(await carrier.send(aSubmission())).toEqual({
        kind: 'unknown',
        detail: expect.stringMatching(/./),
      });
      expect(await carrier.send(aSubmission({ text: 'Again' }))).toEqual(accepted);
      expect(far.submissions.map((each) => each.text)).toEqual(['Hello', 'Again']);
    });

    it('keeps an answer that came before the connection was lost', async () => {
      const { carrier, far } = await begin();
      far.plan('drop-after-answer');
      expect(await carrier.send(aSubmission())).toEqual(accepted);
      // What is handed to a connection that is just being lost is lost with it.
      expect(['accepted', 'unknown']).toContain((await carrier.send(aSubmission())).kind);
      expect(await carrier.send(aSubmission())).toEqual(accepted);
    });

    it('lets others pass one whose answer is late', async () => {
      const { carrier, far } = await begin();
      far.plan('late');
      let settled = false;
      const late = carrier.send(aSubmission()).finally(() => (settled = true));
      expect(await carrier.send(aSubmission())).toEqual(accepted);
      expect(settled).toBe(false);
      far.release();
      expect(await late).toEqual(accepted);
    });

    it('gives up what is never answered, and stays usable when the answer comes after all', async () => {
      const { carrier, far } = await begin();
      far.plan('late', 'silent');
      const results = await Promise.all([carrier.send(aSubmission()), carrier.send(aSubmission())]);
      expect(results.map((each) => each.kind)).toEqual(['unknown', 'unknown']);
      far.release();
      expect(await carrier.send(aSubmission())).toEqual(accepted);
    });

    it('takes one of two answers', async () => {
      const { carrier, far } = await begin();
      far.plan('answer-twice', 'refuse');
      expect(await carrier.send(aSubmission())).toEqual(accepted);
      expect((await carrier.send(aSubmission())).kind).toBe('rejected');
      expect(await carrier.send(aSubmission())).toEqual(accepted);
    });

    it('hands on receipts, also one that comes before the answer', async () => {
      const { carrier, far, receipts } = await begin();
      far.plan('receipt-first', 'accept');
      const first = await carrier.send(aSubmission());
      await until(() => receipts.length === 1);
      expect(receipts[0]?.status).toBe('DELIVERED');
      expect(isOn(receipts[0], aSubmission(), first)).toBe(true);
      const reference = '2s-0192f0a0aaaa2bcd9e0123456789c013';
      const second = await carrier.send(aSubmission({ reference }));
      far.receipt(1, 'UNDELIVERED');
      await until(() => receipts.length === 2);
      expect(receipts[1]).toMatchObject({ status: 'UNDELIVERED', code: expect.any(Number) });
      expect(isOn(receipts[1], aSubmission({ reference }), second)).toBe(true);
    });

    it('survives garbage', async () => {
      const { carrier, far } = await begin();
      far.plan('garbage');
      expect((await carrier.send(aSubmission())).kind).toBe('unknown');
      expect(await carrier.send(aSubmission())).toEqual(accepted);
    });

    it('never has more without an answer than its window', async () => {
      const { carrier, far } = await begin();
      const sends = Array.from({ length: carrier.windowMax * 5 }, () =>
        carrier.send(aSubmission()),
      );
      const results = await Promise.all(sends);
      expect(results.every((each) => each.kind === 'accepted')).toBe(true);
      expect(far.concurrentMax).toBeLessThanOrEqual(carrier.windowMax);
      expect(far.submissions).toHaveLength(sends.length);
    });

    it('tells the truth in a storm: nothing is sent twice, nothing taken is called refused', async () => {
      const { carrier, far } = await begin();
      const acts = fc.constantFrom<Act[]>(
        'accept',
        'accept',
        'refuse',
        'throttle',
        'drop-before-answer',
        'drop-after-answer',
        'answer-twice',
        'receipt-first',
        'garbage',
      );
      far.plan(...fc.sample(fc.array(acts, { minLength: 200, maxLength: 200 }), 1).flat());
      const outcomes = await Promise.all(
        Array.from({ length: 250 }, async (_, i) => {
          const to = `+4917${i + 10_000}`;
          return { to, ...(await carrier.send(aSubmission({ to }))) };
        }),
      );
      expect(new Set(far.submissions.map((each) => each.to)).size).toBe(far.submissions.length);
      const actOn = new Map(far.submissions.map((each) => [each.to, each.act]));
      const wrong = outcomes.filter(({ to, kind }) => !TRUTHS[actOn.get(to) ?? 'never'].has(kind));
      expect(wrong).toEqual([]);
    });

    it('stops, waiting for answers, and takes nothing then', async () => {
      const { carrier, far } = await begin();
      far.plan('late');
      const late = carrier.send(aSubmission());
      await until(() => far.submissions.length === 1);
      const stopped = carrier.stop();
      far.release();
      expect(await late).toEqual(accepted);
      await stopped;
      expect(['throttled', 'retry']).toContain((await carrier.send(aSubmission())).kind);
      expect(far.submissions).toHaveLength(1);
    });
  });
}
