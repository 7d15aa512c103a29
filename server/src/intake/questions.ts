/** What is read from the database before a request is checked. */
import { decodeTypeId, parseContentSid } from '../domain/ids.ts';
import type { SendHead } from '../domain/send-request.ts';
import type { SenderQuestion } from '../store/store.ts';

/** The content template that a request names; null without one. */
export const templateOf = ({ content }: SendHead): string | null =>
  'contentId' in content ? parseContentSid(content.contentId) : null;

/** An invalid id means a sender that does not exist. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** The senders that a request may mean. */
export function askForSenders({ from }: SendHead): SenderQuestion {
  if (from === undefined) return { kind: 'default' };
  if ('senderId' in from)
    return { kind: 'sender', id: decodeTypeId('comms_sender', from.senderId) ?? NO_UUID };
  if ('senderPoolId' in from)
    return { kind: 'pool', id: decodeTypeId('comms_senderpool', from.senderPoolId) ?? NO_UUID };
  if (from.channel === 'EMAIL') return { kind: 'email', address: from.address };
  return { kind: 'channel', channel: from.channel, address: from.address };
}
