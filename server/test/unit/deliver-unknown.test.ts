/** Submissions whose answer was lost are held, or sent again as a new attempt. */
import { describe, expect, it } from 'vitest';
import type { Carrier, SendResult, Submission } from '../../src/carriers/carrier.ts';
import { compose, deliver, type DeliveryContext } from '../../src/dispatch/deliver.ts';
import { parseContent } from '../../src/domain/content.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { messageUuid } from '../../src/domain/ids.ts';

const OPERATION = '0192f0a0-aaaa-7bcd-9e01-234500000000';

function begin(ambiguous: 'hold' | 'resend', result: SendResult | Error, triesMax = 3) {
  const sent: Submission[] = [];
  const carrier: Carrier = {
    name: 'line',
    channels: new Set(['SMS'] as const),
    ambiguous,
    quotesOwnIds: false,
    windowMax: 1,
    start: async () => undefined,
    async send(submission) {
      sent.push(submission);
      if (result instanceof Error) throw result;
      return result;
    },
    stop: async () => undefined,
  };
  const content = parseContent({ text: 'Hello', mediaUrls: [] });
  if (!content.ok) throw new Error('Content');
  const expireAt = new Date('2030-01-01T00:00:00Z');
  const context: DeliveryContext = {
    operation: {
      content: content.content,
      plan: { senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'line' }] },
      renderAt: new Date(),
      expireAt,
    },
    batch: {
      id: '1',
      accountId: 100,
      operationId: OPERATION,
      candidate: 0,
      attempt: 1,
      tries: 0,
      highWaterMark: 1,
      inDoubtMark: 0,
      ordinals: [0],
      lease: 1,
      cancelRequested: false,
      expired: false,
      sender: null,
    },
    retry: { triesMax, delayMs: 100, delayMaxMs: 1_000 },
    jitter: 1,
    attachments: [],
    emailLinks: null,
  };
  const message = {
    ordinal: 0,
    id: messageUuid(OPERATION, 0),
    status: 'QUEUED',
    attempt: 0,
    addresses: [{ address: '+4917012345', channel: 'PHONE' }],
    variables: null,
    scheduledFor: null,
    mayBeSuppressed: false,
  } as const;
  const composed = compose(message, context);
  if (typeof composed === 'number') throw new Error('Composed');
  return { sent, expireAt, run: () => deliver(carrier, message, composed, context) };
}

describe('an unknown result', () => {
  const unknown: SendResult = { kind: 'unknown', detail: 'No answer within 30000 ms' };

  it('is held: it ends UNDELIVERED and is not sent again', async () => {
    const { run, sent, expireAt } = begin('hold', unknown);
    expect(await run()).toMatchObject({
      kind: 'settle',
      settlement: {
        outcome: 'UNDELIVERED',
        errorCode: ERRORS.ambiguous.code,
        errorDetail: 'No answer within 30000 ms',
        providerId: null,
        next: null,
      },
    });
    expect(sent).toMatchObject([{ to: '+4917012345', expireAt }]);
  });

  it('is sent again where that is wanted, as often as anything is', async () => {
    expect(await begin('resend', unknown).run()).toMatchObject({
      settlement: {
        outcome: 'FAILED',
        errorCode: ERRORS.ambiguous.code,
        next: { carrier: 'line', candidate: 0, tries: 1, delayMs: 100 },
      },
    });
    expect(await begin('resend', unknown, 1).run()).toMatchObject({
      settlement: { outcome: 'UNDELIVERED', next: null },
    });
  });

  it('is the result of a carrier that throws: it may have submitted the message before', async () => {
    expect(await begin('hold', new Error('A bug')).run()).toMatchObject({
      settlement: {
        outcome: 'UNDELIVERED',
        errorCode: ERRORS.ambiguous.code,
        errorDetail: 'The carrier failed unexpectedly: A bug',
        next: null,
      },
    });
  });
});
