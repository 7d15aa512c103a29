/** Inbound messages in the API's form of messages. */
import { encodeTypeId } from '../../domain/ids.ts';
import type { InboundMessage } from '../../store/store.ts';

/**
 * The form in lists: from the person to our sender, related to the operation that answered it. `from` has the id of the
 * sender that received it, because clients of the API require one there.
 */
export function serializeInbound(message: InboundMessage, origin: string) {
  const { channel, senderId, replyId } = message;
  const operationId = replyId && encodeTypeId('comms_operation', replyId);
  return {
    id: encodeTypeId('comms_message', message.id),
    from: {
      address: message.from,
      channel,
      ...(senderId === null ? {} : { senderId: encodeTypeId('comms_sender', senderId) }),
    },
    to: [{ address: message.to, channel: channel === 'WHATSAPP' ? 'WHATSAPP' : 'PHONE' }],
    status: 'INBOUND',
    related:
      operationId === null
        ? []
        : [
            {
              name: 'OPERATION',
              id: operationId,
              uri: `${origin}/v1/Messages/Operations/${operationId}`,
            },
          ],
    tags: {},
    scheduledFor: null,
    createdAt: message.createdAt,
    updatedAt: message.deletedAt ?? message.createdAt,
    deletedAt: message.deletedAt,
  };
}

/** The form with its text. */
export function serializeInboundWithText(message: InboundMessage, origin: string) {
  return { ...serializeInbound(message, origin), content: { text: message.text }, attempts: [] };
}
