/** COPY of the messages of new operations. */
import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { messageUuid } from '../../domain/ids.ts';
import { translate } from '../database-error.ts';
import {
  ownDueAt,
  statusAt,
  writtenAddresses,
  type NewMessage,
  type NewOperation,
} from './new-operation.ts';

const NULL = '\\N';

/** A value of COPY's text format: backslash, tab and line ends are escaped. */
function escapeText(value: string): string {
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (c) =>
        c === '\t' ? '\\t' : c === '\n' ? '\\n' : c === '\r' ? '\\r' : '\\\\',
      )
    : value;
}

function escapeJson(value: unknown): string {
  return value === null ? NULL : escapeText(JSON.stringify(value));
}

/** Rows turned into text at a time: PostgreSQL reads these while the next are made. */
const COPY_CHUNK_ROWS = 500;

/** An operation and messages of it. */
type Copied = Pick<NewOperation, 'accountId' | 'id' | 'scheduledFor' | 'messages'>;

/** The columns of a COPY. Those that have their defaults in every message are left out. */
export interface CopyForm {
  /** Whether any message is due later. */
  readonly hasDue: boolean;
  /** Whether messages may be due at other times than their operation. */
  readonly hasOwnDue: boolean;
}

/** Copies the messages of new operations. */
export async function copyMessages(
  client: pg.PoolClient,
  operations: readonly Copied[],
): Promise<void> {
  const some = operations.filter(({ messages }) => messages.length > 0);
  const hasDue = some.some(({ messages }) => messages.some((each) => each.dueAt !== null));
  const hasOwnDue = hasDue && some.some(({ scheduledFor }) => scheduledFor === null);
  const form = { hasDue, hasOwnDue };
  await copyText(client, form, composeText(some, form));
}

/** Copies messages that are text already. */
export async function copyText(
  client: pg.PoolClient,
  { hasDue, hasOwnDue }: CopyForm,
  text: Iterable<Buffer>,
): Promise<void> {
  const columns = `${hasDue ? ', status' : ''}${hasOwnDue ? ', scheduled_for' : ''}`;
  const stream = client.query(
    copyFrom(
      `copy message (account_id, channel, address_channel, id, address, addresses, variables, tags${columns}) from stdin`,
    ),
  );
  await pipeline(Readable.from(text), stream).catch((error: unknown) => {
    throw translate(error);
  });
}

function* composeText(operations: readonly Copied[], form: CopyForm): Generator<Buffer> {
  for (const { messages, ...operation } of operations)
    for (let i = 0; i < messages.length; i += COPY_CHUNK_ROWS)
      yield encodeMessages(operation, messages.slice(i, i + COPY_CHUNK_ROWS), form);
}

/** Messages as text for `copyText`. */
export function encodeMessages(
  operation: Omit<Copied, 'messages'>,
  messages: readonly NewMessage[],
  { hasDue, hasOwnDue }: CopyForm,
): Buffer {
  let text = '';
  for (const message of messages) {
    const { ordinal, recipient, channel, tags } = message;
    const [first] = recipient.addresses;
    text += `${operation.accountId}\t${channel}\t${first.channel}\t${messageUuid(operation.id, ordinal)}\t${escapeText(first.address)}\t${escapeJson(writtenAddresses(message))}\t${escapeJson(recipient.variables)}\t${escapeJson(tags)}`;
    if (hasDue) text += `\t${statusAt(message.dueAt)}`;
    if (hasOwnDue) text += `\t${ownDueAt(message, operation)?.toISOString() ?? NULL}`;
    text += '\n';
  }
  return Buffer.from(text);
}
