/**
 * Inbound messages: stored before the carrier gets an acknowledgment, applied when they are
 * keywords, and answered. An answer is an ordinary message. It is recorded together with the
 * keyword, so a crash only delays it.
 */
import { createHash } from 'node:crypto';
import { encodeTypeId } from '../domain/ids.ts';
import { normaliseInboundAddress, type InboundMessage } from '../domain/inbound.ts';
import type { FindKeyword } from '../domain/keywords.ts';
import { keepableProviderId } from '../domain/receipt.ts';
import { keepable } from '../domain/storable.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  type KeywordScope,
  type Store,
  type Unanswered,
} from '../store/store.ts';
import type { Submitter } from './submit.ts';

/** An answer that the database refuses is tried for so long; later than that a person does not expect it. */
const ANSWER_TRIED_MS = 600_000;

export interface InboundIntake {
  /** Takes messages of a carrier; resolves when they are kept, and rejects when one of them cannot be. */
  take(carrier: string, messages: readonly InboundMessage[]): Promise<void>;
  /** Sends pending answers. Resolves with their number. */
  answerAll(): Promise<number>;
}

/** Whether the database is unavailable, and not just for this statement. */
const isAway = (error: unknown) => error instanceof DatabaseUnavailable && !error.isOfStatement;

const TEXT_LENGTH_MAX = 10_000;
const ADDRESS_LENGTH_MAX = 256;

export function createInboundIntake(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly submitter: Submitter;
  /** Null: no text is a keyword. */
  readonly findKeyword: FindKeyword | null;
  readonly scope: KeywordScope;
  /** The carriers of one account at one provider, by any of them. */
  readonly carriersOf: (carrier: string) => readonly string[];
  /** A message could not be kept, or its answer not be sent. */
  readonly onRefused: () => void;
}): InboundIntake {
  const { store, log, submitter, findKeyword } = options;
  /** Answers that the database refused, and since when; at most the answers of one list. */
  const failingSince = new Map<string, number>();

  async function keep(carrier: string, message: InboundMessage): Promise<void> {
    const text = keepable(message.text, TEXT_LENGTH_MAX);
    // The carrier's own keyword takes precedence over the text; the carrier has answered it.
    const found =
      message.keyword === undefined
        ? (findKeyword?.(text) ?? null)
        : { keyword: message.keyword, reply: null };
    const from = keepable(message.from, ADDRESS_LENGTH_MAX);
    const result = await store.inbound.recordInbound(
      {
        carrier,
        carriers: options.carriersOf(carrier),
        channel: message.channel,
        from: message.isNational ? from : normaliseInboundAddress(from),
        to: normaliseInboundAddress(keepable(message.to, ADDRESS_LENGTH_MAX)),
        service: (message.service && keepable(message.service, ADDRESS_LENGTH_MAX)) || null,
        text,
        providerId: (message.providerId && keepableProviderId(message.providerId)) || null,
        keyword: found?.keyword ?? null,
        reply: found?.reply ?? null,
      },
      options.scope,
    );
    if (result === 'nobody')
      log.warn({ carrier }, 'Dropped an inbound message because there is no account');
  }

  /**
   * Stores every message that can be stored: a refused one must not affect the others. Rejects then, or while the
   * database is unavailable, so that the carrier delivers it again. Unlike outcomes and receipts (`writeAll`), inbound
   * messages do not wait here without a bound.
   */
  async function keepAll(carrier: string, messages: readonly InboundMessage[]): Promise<void> {
    const failures: unknown[] = [];
    for (const each of messages)
      try {
        await keep(carrier, each);
      } catch (error) {
        if (isAway(error)) throw error;
        failures.push(error);
        options.onRefused();
        log.error(
          { err: error, carrier, id: each.providerId },
          'An inbound message could not be stored',
        );
      }
    if (failures.length > 0) throw failures[0];
  }

  async function answer(message: Unanswered): Promise<void> {
    const { accountId, id, senderId, channel, from, keyword, reply } = message;
    const result = await submitter.submitReply(
      accountId,
      {
        to: [{ address: from, channel: channel === 'WHATSAPP' ? 'WHATSAPP' : 'PHONE' }],
        from: { senderId: encodeTypeId('comms_sender', senderId) },
        content: { text: reply },
        tags: { keyword },
      },
      { key: `keyword-${id}`, fingerprint: createHash('sha256').update(id).digest() },
    );
    const isSent = result.kind === 'accepted' || result.kind === 'replayed';
    if (!isSent) log.warn({ result: result.kind, message: id }, 'A keyword answer was refused');
    await store.inbound.setAnswered(message, isSent ? result.operationId : null);
  }

  async function answerAll(): Promise<number> {
    const owed = await store.inbound.listUnanswered();
    for (const each of owed)
      try {
        await answer(each);
        failingSince.delete(each.id);
      } catch (error) {
        if (isAway(error)) throw error;
        // A message that cannot be answered must not delay the others, and its obstacle may disappear.
        const now = performance.now();
        const since = failingSince.get(each.id);
        failingSince.set(each.id, since ?? now);
        if (since === undefined)
          log.error(
            { err: error, message: each.id },
            'A keyword answer could not be sent; it is retried',
          );
        else if (now - since > ANSWER_TRIED_MS) {
          options.onRefused();
          log.error({ err: error, message: each.id }, 'A keyword answer was given up');
          failingSince.delete(each.id);
          await store.inbound.setAnswered(each, null);
        }
      }
    return owed.length;
  }

  return {
    async take(carrier, messages) {
      await keepAll(carrier, messages);
      // Answers that fail now stay pending, and maintenance tries them again.
      await answerAll().catch((error: unknown) =>
        log.warn({ err: error }, 'Keyword answers could not be sent; they are retried'),
      );
    },
    answerAll,
  };
}
