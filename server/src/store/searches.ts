/**
 * Searches: queries without an index, which read many rows. They have connections of their own and
 * a short time limit, so a few of them do not delay other requests.
 */
import { createPlaces, PlaceTimeout } from '../lib/fair-share.ts';
import { DatabaseUnavailable } from './database-error.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';

/** A search ends after this, in milliseconds. */
const SEARCH_MS_MAX = 5_000;
/** Searches at the same time; others wait for a place, and one account leaves a place for the others. */
const CONNECTIONS_MAX = 3;
/** And no longer than this, in milliseconds. */
const WAIT_MS_MAX = 5_000;

/** A search has taken too long, or has waited too long for others. */
export class SearchTooLong extends Error {
  override readonly name = 'SearchTooLong';
}

/** Opens the connections of searches. Their calls reject with `SearchTooLong`, or as usual. */
export function openSearches(options: DatabaseOptions): Database {
  const database = openDatabase({
    ...options,
    name: `${options.name}-search`,
    connectionsMax: CONNECTIONS_MAX,
    statementTimeoutMs: SEARCH_MS_MAX,
  });
  return {
    ...database,
    async query(text, values) {
      try {
        return await database.query(text, values);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable) || error.code !== '57014') throw error;
        throw new SearchTooLong(error.message, { cause: error });
      }
    },
  };
}

/** Shares searches fairly across accounts. They also reject with `SearchTooLong` when they get no place in time. */
export function createFairSearches() {
  const places = createPlaces(CONNECTIONS_MAX, WAIT_MS_MAX);
  return <Rest extends readonly unknown[], Result>(
      search: (accountId: number, ...rest: Rest) => Promise<Result>,
    ) =>
    async (accountId: number, ...rest: Rest): Promise<Result> => {
      try {
        return await places.within(accountId, () => search(accountId, ...rest));
      } catch (error) {
        if (!(error instanceof PlaceTimeout)) throw error;
        throw new SearchTooLong(error.message, { cause: error });
      }
    };
}
