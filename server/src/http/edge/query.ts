/**
 * Filters of lists: turns query parameters or a search body into a question to the store, or into
 * all of their errors.
 */
import { ERRORS, type Problem } from '../../domain/errors.ts';
import { decodeTypeId, messageUuidRange, uuidLowerBound } from '../../domain/ids.ts';
import { DAY_HINT, readDay, readInstant } from '../../domain/instant.ts';
import { PAGE_SIZE_DEFAULT } from '../../shapes/paging.ts';
import { decodePageToken, Page } from './paging.ts';
import { Refusal } from '../../shapes/refusal.ts';

/** Query parameters of pages. */
export interface PagingQuery {
  readonly pageToken?: string;
  readonly pageSize?: number;
}

/** Query parameters or body fields of dates. */
export interface DateQuery {
  readonly startDate?: string;
  readonly endDate?: string;
}

/** Query parameters of lists by date. */
export interface ListQuery extends PagingQuery, DateQuery {}

/** Ids between two others, both excluded. */
export interface IdRange {
  readonly after: string;
  readonly before: string;
}

/** Reads the query of a list, newest first, without other filters. @throws Refusal */
export function readListQuery(
  query: DateQuery,
  paging: PagingQuery,
): { readonly page: Page; readonly range: IdRange } {
  const reader = new QueryReader();
  const page = reader.readPage(paging);
  const range = reader.readRange(query, page);
  reader.finish();
  return { page, range };
}

/** Collects problems and throws them together. */
export class QueryReader {
  readonly #problems: Problem[] = [];

  add(message: string, context: string): void {
    this.#problems.push({ code: ERRORS.invalid.code, message, context });
  }

  /** Reads paging. A first page lies beyond `first`: by default, it has the newest rows. */
  readPage({ pageToken, pageSize = PAGE_SIZE_DEFAULT }: PagingQuery, first = UUID_MAX): Page {
    if (pageToken === undefined || pageToken === '') return new Page(pageSize, first);
    const start = decodePageToken(pageToken);
    if (start === null)
      this.add(
        'Not a page token of this API; use "pagination.next" of the previous page, or omit it.',
        '$.pageToken',
      );
    return new Page(pageSize, start ?? first);
  }

  /** Ids of the rows of a page, newest first, that were created between the dates of a query. */
  readRange(query: DateQuery, page: Page): IdRange {
    const { after, before } = this.readDates(query);
    return { after, before: earlierOf(before, page.start) };
  }

  /**
   * Ids of rows that were created after `startDate` and before `endDate`, both bounds excluded. A plain date is the
   * start of its day in UTC, and as `startDate` includes it, so that days next to each other leave nothing out. Equal
   * dates have nothing between them.
   */
  readDates(query: DateQuery): IdRange {
    const start = this.#readDate(query.startDate, '$.startDate');
    const end = this.#readDate(query.endDate, '$.endDate');
    if (start !== null && end !== null && end.at < start.at)
      this.add('It is before startDate: exchange the dates.', '$.endDate');
    return {
      after: start === null ? UUID_MIN : boundAt(start.at.getTime() + (start.isDay ? 0 : 1)),
      before: end === null ? UUID_MAX : boundAt(end.at.getTime()),
    };
  }

  #readDate(
    text: string | undefined,
    path: string,
  ): { readonly at: Date; readonly isDay: boolean } | null {
    if (text === undefined || text === '') return null;
    const day = readDay(text);
    if (day !== null) return { at: day, isDay: true };
    // In a URL "+" means a space unless it is escaped; here it can only be the sign of a zone.
    const at = readInstant(text.replace(/ (\d\d:\d\d)$/, '+$1'));
    if (at !== null) return { at, isDay: false };
    this.add(
      `"${text.slice(0, 60)}" is not a date, or a date and time with zone, that exists; ${DAY_HINT}.`,
      path,
    );
    return null;
  }

  /** `key:value;key:value`, a last semicolon allowed. */
  readTags(text: string | undefined): Record<string, string> | null {
    if (text === undefined || text === '') return null;
    const pairs = text
      .replace(/;$/, '')
      .split(';')
      .map((pair) => {
        const colon = pair.indexOf(':');
        return [pair.slice(0, Math.max(colon, 0)), pair.slice(colon + 1)] as const;
      });
    if (pairs.some(([key, value]) => key === '' || value === ''))
      this.add('Write tags as key:value;key:value.', '$.tags');
    return Object.fromEntries(pairs);
  }

  /** The UUID of an operation's id. */
  readOperationUuid(id: string | undefined): string | null {
    if (id === undefined || id === '') return null;
    const uuid = decodeTypeId('comms_operation', id);
    if (uuid === null)
      this.add(`"${id.slice(0, 60)}" is not the id of an operation.`, '$.operationId');
    return uuid;
  }

  /** @throws Refusal with everything that was added. */
  finish(): void {
    if (this.#problems.length > 0) throw new Refusal(400, this.#problems);
  }
}

const boundAt = (ms: number): string => uuidLowerBound(Math.max(0, ms));

export const UUID_MIN = '00000000-0000-0000-0000-000000000000';
export const UUID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The ids of an operation's messages in a range; all of the range without an operation. */
export function withinOperation(range: IdRange, operationUuid: string | null): IdRange {
  if (operationUuid === null) return range;
  const { last } = messageUuidRange(operationUuid);
  return {
    after: laterOf(range.after, operationUuid),
    before: earlierOf(range.before, following(last)),
  };
}

/** The next UUID; an operation's last message never ends in ffff. */
function following(uuid: string): string {
  return (
    uuid.slice(0, 32) + (Number.parseInt(uuid.slice(32), 16) + 1).toString(16).padStart(4, '0')
  );
}

function earlierOf(a: string, b: string): string {
  return a < b ? a : b;
}

function laterOf(a: string, b: string): string {
  return a > b ? a : b;
}
