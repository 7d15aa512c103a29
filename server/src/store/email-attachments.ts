/** The files of e-mails: one copy for all e-mails of an operation, dropped with its day. */
import type pg from 'pg';
import type { EmailAttachment } from '../domain/email.ts';
import type { Database } from './database.ts';

/** Writes the files of an operation, in the order of its content. */
export async function insertAttachments(
  client: Pick<pg.PoolClient, 'query'>,
  accountId: number,
  operationId: string,
  attachments: readonly EmailAttachment[],
): Promise<void> {
  await client.query(
    `insert into email_attachment (account_id, operation_id, position, content)
     select $1, $2, ordinality - 1, content from unnest($3::bytea[]) with ordinality as a(content)`,
    [accountId, operationId, attachments.map(({ content }) => Buffer.from(content))],
  );
}

/** The bytes of the files of an operation, in the order of its content. */
export async function loadAttachments(
  database: Database,
  accountId: number,
  operationId: string,
): Promise<Uint8Array[]> {
  const { rows } = await database.query<{ content: Buffer }>(
    'select content from email_attachment where account_id = $1 and operation_id = $2 order by position',
    [accountId, operationId],
  );
  return rows.map((row) => row.content);
}
