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
function copyText(value: string): string {
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (c) =>
        c === '\t' ? '\\t' : c === '\n' ? '\\n' : c === '\r' ? '\\r' : '\\\\',
      )
    : value;
}

function copyJson(value: unknown): string {
  return value === null ? NULL : copyText(JSON.stringify(value));
}

/** Rows turned into text at a time: PostgreSQL reads these while the next are made. */
const COPY_CHUNK_ROWS = 500;

/** An operation and messages of it. */
type Copied = Pick<NewOperation, 'accountId' | 'id' | 'scheduledFor' | 'messages'>;

/** Columns that have their defaults in every message are left out. */
export async function copyMessages(
  client: pg.PoolClient,
  operations: readonly Copied[],
): Promise<void> {
  const some = operations.filter(({ messages }) => messages.length > 0);
  const anyDue = some.some(({ messages }) => messages.some((each) => each.dueAt !== null));
  const ownDue = anyDue && some.some(({ scheduledFor }) => scheduledFor === null);
  const columns = `${anyDue ? ', status' : ''}${ownDue ? ', scheduled_for' : ''}`;
  const stream = client.query(
    copyFrom(
      `copy message (account_id, channel, address_channel, id, address, addresses, variables, tags${columns}) from stdin`,
    ),
  );
  const endOf = (message: NewMessage, operation: Copied) => {
    if (!anyDue) return '\n';
    const own = ownDueAt(message, operation)?.toISOString() ?? NULL;
    return `\t${statusAt(message.dueAt)}${ownDue ? `\t${own}` : ''}\n`;
  };
  await pipeline(Readable.from(composeRows(some, endOf)), stream).catch((error: unknown) => {
    throw translate(error);
  });
}

function* composeRows(
  operations: readonly Copied[],
  endOf: (message: NewMessage, operation: Copied) => string,
): Generator<Buffer> {
  let text = '';
  let rows = 0;
  for (const operation of operations)
    for (const message of operation.messages) {
      const { ordinal, recipient, channel, tags } = message;
      const { variables } = recipient;
      const [first] = recipient.addresses;
      text += `${operation.accountId}\t${channel}\t${first.channel}\t${messageUuid(operation.id, ordinal)}\t${copyText(first.address)}\t${copyJson(writtenAddresses(message))}\t${copyJson(variables)}\t${copyJson(tags)}${endOf(message, operation)}`;
      rows += 1;
      if (rows % COPY_CHUNK_ROWS === 0) {
        yield Buffer.from(text);
        text = '';
      }
    }
  if (text !== '') yield Buffer.from(text);
}
