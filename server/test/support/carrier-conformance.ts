/**
 * Requirements of every network carrier, whatever its protocol. A carrier's test calls `describeCarrier` with the
 * carrier and its far side; tests of one kind of carrier stay in its own file.
 */
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Carrier, Receipt, SendResult, Submission } from '../../src/carriers/carrier.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './until.ts';

/** The far side's reaction to one submission. */
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
  /** Bytes that are not the protocol, instead of an answer. */
  | 'garbage';

/** A far side under control. */
export interface FarSide {
  /** Received submissions, in order, with the reaction to each. */
  readonly submissions: readonly {
    readonly to: string;
    readonly text: string;
    readonly act: Act;
  }[];
  /** Most submissions without an answer that it has seen at one moment. */
  readonly concurrentMax: number;
  /** Reactions to the next submissions, in order; further ones are accepted. */
  plan(...acts: Act[]): void;
  /** Sends the answers that are `late`. */
  release(): void;
  /** Sends a receipt on the submission with this index. */
  receipt(index: number, status: 'DELIVERED' | 'UNDELIVERED'): void;
  close(): Promise<void>;
}

/** Makes a carrier that was not started, with the time that it waits for an answer, and its far side. */
export type CarrierSetup = (
  answerTimeoutMs: number,
) => Promise<{ readonly carrier: Carrier; readonly far: FarSide }>;

/** Where every answer comes, or its connection ends: however slow the machine is, none is late. */
const PATIENT_MS = 20_000;
/** Where an answer may not come. */
const SHORT_MS = 1_000;

/** Where a kind of carrier differs from others. */
export interface Kind {
  /** Adapts a submission of the suite to this carrier. */
  readonly adapt?: (submission: Submission) => Submission;
  /** Number of submissions in the storm, 200 by default: fewer for carriers with longer pauses. */
  readonly stormActs?: number;
}

/** A submission like any other. */
export function aSubmission(fields: Partial<Submission> = {}): Submission {
  return {
    reference: '2s-0192f0a0aaaa2bcd9e01234500000012',
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

/** Permitted results of a submission, by the reaction to it; the connection may break over any. */
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
export function describeCarrier(name: string, setup: CarrierSetup, own: Kind = {}): void {
  const { adapt = (submission) => submission, stormActs = 200 } = own;
  describe(`${name}, as every carrier`, () => {
    const stops: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const stop of stops.splice(0).toReversed()) await stop();
    });

    async function begin(answerTimeoutMs = PATIENT_MS) {
      const { carrier, far } = await setup(answerTimeoutMs);
      const receipts: Receipt[] = [];
      stops.push(
        () => far.close(),
        () => carrier.stop(),
      );
      await carrier.start(async (some) => void receipts.push(...some));
      const send = (fields: Partial<Submission> = {}) => carrier.send(adapt(aSubmission(fields)));
      /** Waits for as long as it is told to, until the far side has seen it. */
      async function sendPatiently(fields: Partial<Submission> = {}): Promise<SendResult> {
        const seen = far.submissions.length;
        for (;;) {
          const result = await send(fields);
          const to = fields.to ?? aSubmission().to;
          const arrived = far.submissions.slice(seen).some((each) => each.to === to);
          if (result.kind !== 'throttled' || arrived) return result;
          await sleep(result.afterMs);
        }
      }
      return { carrier, far, receipts, send, sendPatiently };
    }

    const accepted = expect.objectContaining({ kind: 'accepted' });

    it('submits', async () => {
      const { far, send } = await begin();
      const result = await send();
      expect(result).toEqual({ kind: 'accepted', providerId: expect.stringMatching(/./) });
      expect(far.submissions).toEqual([{ to: '+4917012345', text: 'Hello', act: 'accept' }]);
    });

    it('sends nothing that has expired', async () => {
      const { far, send } = await begin();
      expect((await send()).kind).toBe('accepted');
      expect(await send({ expireAt: new Date(Date.now() - 1) })).toMatchObject({
        kind: 'rejected',
        code: 30036,
      });
      expect(far.submissions).toHaveLength(1);
    });

    it('distinguishes a refusal from throttling, and continues', async () => {
      const { far, send, sendPatiently } = await begin();
      far.plan('refuse', 'throttle');
      expect(await send()).toEqual({
        kind: 'rejected',
        code: expect.any(Number),
        detail: expect.stringMatching(/./),
      });
      expect(await send()).toEqual({
        kind: 'throttled',
        afterMs: expect.any(Number),
      });
      expect(await sendPatiently()).toEqual(accepted);
      expect(far.submissions).toHaveLength(3);
    });

    it('does not know what became of a submission when the connection is lost before the answer', async () => {
      const { far, send, sendPatiently } = await begin();
      far.plan('drop-before-answer');
      expect(await send()).toEqual({
        kind: 'unknown',
        detail: expect.stringMatching(/./),
      });
      expect(await sendPatiently({ text: 'Again' })).toEqual(accepted);
      expect(far.submissions.map((each) => each.text)).toEqual(['Hello', 'Again']);
    });

    it('keeps an answer that came before the connection was lost', async () => {
      const { far, send, sendPatiently } = await begin();
      far.plan('drop-after-answer');
      expect(await send()).toEqual(accepted);
      // A submission that is written to a connection at the moment of its loss is lost with it.
      expect(['accepted', 'unknown', 'throttled']).toContain((await send()).kind);
      expect(await sendPatiently()).toEqual(accepted);
    });

    it('lets others pass one whose answer is late', async () => {
      const { far, send } = await begin();
      far.plan('late');
      let settled = false;
      const late = send().finally(() => (settled = true));
      expect(await send()).toEqual(accepted);
      expect(settled).toBe(false);
      far.release();
      expect(await late).toEqual(accepted);
    });

    it('gives up what is never answered, and stays usable when the answer comes after all', async () => {
      const { far, send, sendPatiently } = await begin(SHORT_MS);
      far.plan('late', 'silent');
      const results = await Promise.all([send(), send()]);
      expect(results.map((each) => each.kind)).toEqual(['unknown', 'unknown']);
      far.release();
      expect(await sendPatiently()).toEqual(accepted);
    });

    it('takes one of two answers', async () => {
      const { far, send, sendPatiently } = await begin();
      far.plan('answer-twice', 'refuse');
      expect(await send()).toEqual(accepted);
      expect((await sendPatiently()).kind).toBe('rejected');
      expect(await sendPatiently()).toEqual(accepted);
    });

    it('hands on receipts, also one that comes before the answer', async () => {
      const { far, receipts, send } = await begin();
      far.plan('receipt-first', 'accept');
      const first = await send();
      await until(() => receipts.length === 1);
      expect(receipts[0]?.status).toBe('DELIVERED');
      expect(isOn(receipts[0], aSubmission(), first)).toBe(true);
      const reference = '2s-0192f0a0aaaa2bcd9e01234500000013';
      const second = await send({ reference });
      far.receipt(1, 'UNDELIVERED');
      await until(() => receipts.length === 2);
      expect(receipts[1]).toMatchObject({ status: 'UNDELIVERED', code: expect.any(Number) });
      expect(isOn(receipts[1], aSubmission({ reference }), second)).toBe(true);
    });

    it('survives garbage', async () => {
      const { far, send, sendPatiently } = await begin();
      far.plan('garbage');
      expect((await send()).kind).toBe('unknown');
      expect(await sendPatiently()).toEqual(accepted);
    });

    it('never has more without an answer than its window', async () => {
      const { carrier, far, send } = await begin();
      const sends = Array.from({ length: carrier.windowMax * 5 }, () => send());
      const results = await Promise.all(sends);
      expect(results.every((each) => each.kind === 'accepted')).toBe(true);
      expect(far.concurrentMax).toBeLessThanOrEqual(carrier.windowMax);
      expect(far.submissions).toHaveLength(sends.length);
    });

    it('is correct in a storm: nothing is sent twice, nothing accepted is reported as refused', async () => {
      const { far, sendPatiently } = await begin(SHORT_MS);
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
      far.plan(
        ...fc.sample(fc.array(acts, { minLength: stormActs, maxLength: stormActs }), 1).flat(),
      );
      const outcomes = await Promise.all(
        Array.from({ length: stormActs + 50 }, async (_, i) => {
          const to = `+4917${i + 10_000}`;
          return { to, ...(await sendPatiently({ to })) };
        }),
      );
      expect(new Set(far.submissions.map((each) => each.to)).size).toBe(far.submissions.length);
      const actOn = new Map(far.submissions.map((each) => [each.to, each.act]));
      const wrong = outcomes.filter(({ to, kind }) => !TRUTHS[actOn.get(to) ?? 'never'].has(kind));
      expect(wrong).toEqual([]);
    });

    it('stops, waiting for answers, and takes nothing then', async () => {
      const { carrier, far, send } = await begin();
      far.plan('late');
      const late = send();
      await until(() => far.submissions.length === 1);
      const stopped = carrier.stop();
      far.release();
      expect(await late).toEqual(accepted);
      await stopped;
      expect(['throttled', 'retry']).toContain((await send()).kind);
      expect(far.submissions).toHaveLength(1);
    });
  });
}
