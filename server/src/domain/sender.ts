/** Senders: the identities a message may come from, and which of them a request means. Pure. */
import { ERRORS } from './errors.ts';
import type { Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import type { RequestedSender } from './send-request.ts';

/** The configured senders, and who carries a channel for an address that is not among them. */
export interface SenderBook {
  readonly senders: readonly (PlannedSender & { readonly default: boolean })[];
}

/** Channels in the order in which they are tried when a request does not say: rich before plain. */
const PREFERENCE: readonly Channel[] = ['RCS', 'SMS', 'WHATSAPP'];

export type PlanResult =
  | { readonly ok: true; readonly plan: SendPlan }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly path: string };

/**
 * The senders a request may use, in order. With an address: that one, over the carrier configured for it or
 * else for its channel. Without: the default sender of each channel.
 */
export function planSenders(from: RequestedSender | null, book: SenderBook): PlanResult {
  if (from === null) {
    const senders = PREFERENCE.flatMap((channel) => defaultOf(book, channel) ?? []);
    return senders.length > 0
      ? { ok: true, plan: { senders: senders.map(toPlanned) } }
      : refuse('No default sender is configured; name one in "from".', '$.from');
  }
  if ('senderId' in from)
    return refuse('Sender ids are not supported yet; give address and channel.', '$.from.senderId');
  if ('senderPoolId' in from)
    return refuse(
      'Sender pools are not supported yet; give address and channel.',
      '$.from.senderPoolId',
    );
  const known =
    book.senders.find((each) => each.channel === from.channel && each.address === from.address) ??
    defaultOf(book, from.channel);
  if (known === undefined)
    return refuse(`No carrier is configured for ${from.channel}.`, '$.from.channel');
  return {
    ok: true,
    plan: { senders: [{ channel: from.channel, address: from.address, carrier: known.carrier }] },
  };
}

function defaultOf(book: SenderBook, channel: Channel) {
  const all = book.senders.filter((each) => each.channel === channel);
  return all.find((each) => each.default) ?? all[0];
}

function toPlanned({ channel, address, carrier }: PlannedSender): PlannedSender {
  return { channel, address, carrier };
}

function refuse(message: string, path: string): PlanResult {
  return { ok: false, code: ERRORS.unsupported.code, message, path };
}
