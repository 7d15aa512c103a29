/**
 * Streams of the recipients of an operation: an export with their results, and a request that sends
 * to them again. Pages are read as the client takes them, so neither is ever in memory as a whole.
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findError } from '../../domain/errors.ts';
import { encodeTypeId, messageUuidRange, ordinalOf } from '../../domain/ids.ts';
import { MESSAGE_STATUSES } from '../../domain/message.ts';
import type { OperationKind } from '../../domain/operation.ts';
import type { Places } from '../../lib/fair-share.ts';
import { RESULTS_HEADER, writeResults } from '../../lists/results.ts';
import type { RecipientResult, RecipientStatus } from '../../store/store.ts';
import { encodePageToken } from '../edge/paging.ts';
import { QueryReader } from '../edge/query.ts';

/** Maximum number of pages read at the same time over all exports; an account waits only for its own. */
export const EXPORTED_TOGETHER = 2;

/** Pages of rows as chunks of an answer, without empty ones; each page is read in a place, when the client has taken the one before. */
export async function* writePages<Row>(
  accountId: number,
  places: Places,
  pages: AsyncGenerator<readonly Row[], void, undefined>,
  write: (rows: readonly Row[]) => string,
): AsyncGenerator<string, void, undefined> {
  try {
    for (;;) {
      const { done, value } = await places.within(accountId, () => pages.next());
      if (done === true) return;
      const text = write(value);
      if (text !== '') yield text;
    }
  } finally {
    await pages.return();
  }
}

export interface ExportQuery {
  readonly pageToken?: string;
  readonly statuses?: string;
  readonly format?: 'ndjson' | 'csv';
}

/** Where an export begins, the statuses that it has, and its form. @throws Refusal */
export function readExportQuery(request: FastifyRequest, kind: OperationKind, operationId: string) {
  const { statuses = '', format, ...paging } = request.query as ExportQuery;
  const reader = new QueryReader();
  const { start } = reader.readPage(paging, operationId);
  const { last } = messageUuidRange(operationId);
  if (start < operationId || start > last)
    reader.add('This page token belongs to another operation.', '$.pageToken');
  const asked = readStatuses(reader, statuses, [...MESSAGE_STATUSES.map(nameIn(kind)), NO_MESSAGE]);
  reader.finish();
  const wantsCsv = /\btext\/csv\b/.test(request.headers.accept ?? '');
  return {
    start,
    statuses:
      asked.length === 0
        ? null
        : asked.map((each) => (each === 'OPENED' ? 'READ' : each) as RecipientStatus),
    isCsv: format === undefined ? wantsCsv : format === 'csv',
    isContinued: start !== operationId,
  };
}

const NO_MESSAGE = 'UNADDRESSABLE';

/** Statuses of a list with commas; none for an empty one. */
export function readStatuses<Status extends string>(
  reader: QueryReader,
  text: string,
  known: readonly Status[],
): readonly Status[] {
  const words = text === '' ? [] : text.split(',');
  const found = known.filter((each) => words.includes(each));
  if (found.length !== new Set(words).size)
    reader.add(`Use statuses, separated by commas, of ${known.join(', ')}.`, '$.statuses');
  return found;
}

/** The name of a status in the API. */
const nameIn =
  (kind: OperationKind) =>
  (status: RecipientStatus): string =>
    kind === 'EMAILS' && status === 'READ' ? 'OPENED' : status;

/** A recipient as a line of an export. */
function serializeResult(row: RecipientResult, kind: OperationKind) {
  const { candidate, addresses, errorCode, errorDetail } = row;
  const to = candidate?.to ?? addresses[0];
  const type = kind === 'MESSAGES' ? 'comms_message' : 'comms_email';
  return {
    ordinal: ordinalOf(row.id),
    address: to?.address ?? '',
    channel: candidate?.sender.channel ?? to?.channel ?? null,
    status: nameIn(kind)(row.status),
    from: candidate?.sender.address ?? null,
    errorCode,
    error:
      errorCode === null
        ? null
        : (errorDetail ?? findError(errorCode)?.message ?? `Error ${errorCode}.`),
    attempts: row.attempts,
    attemptedAt: row.attemptedAt,
    updatedAt: row.updatedAt,
    id: row.status === NO_MESSAGE ? null : encodeTypeId(type, row.id),
    variables: row.variables,
    pageToken: encodePageToken(row.id),
  };
}

/** Answers with the recipients of an operation, one a line. A continued CSV has no header row. */
export function sendExport(
  reply: FastifyReply,
  kind: OperationKind,
  { isCsv, isContinued }: { readonly isCsv: boolean; readonly isContinued: boolean },
  write: (
    toText: (rows: readonly RecipientResult[]) => string,
  ) => AsyncGenerator<string, void, undefined>,
): FastifyReply {
  const toCsv = (rows: readonly RecipientResult[]) =>
    writeResults(rows.map((row) => serializeResult(row, kind)));
  const toNdjson = (rows: readonly RecipientResult[]) =>
    rows.map((row) => `${JSON.stringify(serializeResult(row, kind))}\n`).join('');
  async function* withHeader() {
    if (isCsv && !isContinued) yield RESULTS_HEADER;
    yield* write(isCsv ? toCsv : toNdjson);
  }
  return reply
    .type(isCsv ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8')
    .header('vary', 'Accept')
    .send(Readable.from(withHeader(), { objectMode: false }));
}
