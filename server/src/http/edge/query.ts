/**
 * Filters of lists: turns query parameters or a search body into a question to the store, or into
 * all of their errors.
 */
import { ERRORS, type Problem } from '../../domain/errors.ts';
import { decodeTypeId, messageUuidRange, uuidLowerBound } from '../../domain/ids.ts';
import { INSTANT_HINT, readInstant } from '../../domain/instant.ts';
import { PAGE_SIZE_DEFAULT } from '../../shapes/paging.ts';
import { decodePageToken } from './paging.ts';
import { Refusal } from '../../shapes/refusal.ts';

export interface Page {
  readonly size: number;
  /** The id that the page lies beyond. */
  readonly start: string;
}

/** Collects problems and throws them together. */
export class QueryReader {
  readonly #problems: Problem[] = [];

  add(message: string, context: string): void {
    this.#problems.push({ code: ERRORS.invalid.code, message, context });
  }

  /** Reads paging; a first page lies beyond `first`. */
  readPage(
    query: { readonly pageToken?: string; readonly pageSize?: number },
    first: string,
  ): Page {
    const size = query.pageSize ?? PAGE_SIZE_DEFAULT;
    if (query.pageToken === undefined || query.pageToken === '') return { size, start: first };
    const start = decodePageToken(query.pageToken);
    if (start === null)
      this.add(
        'Not a page token of this API; use "pagination.next" of the page before, or leave it out.',
        '$.pageToken',
      );
    return { size, start: start ?? first };
  }

  /** Ids of what was created after `startDate` and before `endDate`, both bounds excluded. */
  readDates(query: { readonly startDate?: string; readonly endDate?: string }): {
    after: string;
    before: string;
  } {
    const start = this.#readDate(query.startDate, '$.startDate');
    const end = this.#readDate(query.endDate, '$.endDate');
    if (start !== null && end !== null && end <= start)
      this.add('Must be later than startDate.', '$.endDate');
    return {
      after: start === null ? UUID_MIN : uuidLowerBound(Math.max(0, start.getTime() + 1)),
      before: end === null ? UUID_MAX : uuidLowerBound(Math.max(0, end.getTime())),
    };
  }

  #readDate(text: string | undefined, path: string): Date | null {
    if (text === undefined || text === '') return null;
    // In a URL "+" means a space unless it is escaped; here it can only be the sign of a zone.
    const date = readInstant(text.replace(/ (\d\d:\d\d)$/, '+$1'));
    if (date === null)
      this.add(`"${text.slice(0, 60)}" is not a date and time with zone; ${INSTANT_HINT}.`, path);
    return date;
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

  /** Ids of an operation's messages. */
  readOperationId(id: string | undefined): { after: string; before: string } | null {
    const uuid = this.readOperationUuid(id);
    if (uuid === null) return null;
    const { last } = messageUuidRange(uuid);
    return { after: uuid, before: following(last) };
  }

  /** @throws Refusal with everything that was added. */
  finish(): void {
    if (this.#problems.length > 0) throw new Refusal(400, this.#problems);
  }
}

export const UUID_MIN = '00000000-0000-0000-0000-000000000000';
export const UUID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The next UUID; an operation's last message never ends in ffff. */
function following(uuid: string): string {
  return (
    uuid.slice(0, 32) + (Number.parseInt(uuid.slice(32), 16) + 1).toString(16).padStart(4, '0')
  );
}

export function earlierOf(a: string, b: string): string {
  return a < b ? a : b;
}

export function laterOf(a: string, b: string): string {
  return a > b ? a : b;
}
