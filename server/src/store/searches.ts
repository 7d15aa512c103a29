/**
 * Searches: questions that no index may answer, so that they read what there is. They have connections of their own and a short
 * limit, so that a few of them keep nobody else from being answered.
 */
import { DatabaseUnavailable } from './database-error.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';

/** A search ends after this, in milliseconds. */
const SEARCH_MS_MAX = 5_000;
/** Searches at a time; others wait. */
const CONNECTIONS_MAX = 3;

/** A search has taken too long, or has waited too long for others. */
export class SearchTooLong extends Error {
  override readonly name = 'SearchTooLong';
}

/** Opens the connections of searches. What is asked there rejects with `SearchTooLong`, or as usual. */
export function openSearches(options: DatabaseOptions): Database {
  const database = openDatabase({
    ...options,
    name: `${options.name}-search`,
    connectionsMax: CONNECTIONS_MAX,
    statementTimeoutMs: SEARCH_MS_MAX,
  });
  let running = 0;
  return {
    ...database,
    async query(text, values) {
      running += 1;
      try {
        return await database.query(text, values);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error;
        // Without a word of PostgreSQL's, it is the wait for a connection that has ended.
        const isCrowded = error.code === null && running > CONNECTIONS_MAX;
        if (error.code !== '57014' && !isCrowded) throw error;
        throw new SearchTooLong(error.message, { cause: error });
      } finally {
        running -= 1;
      }
    },
  };
}
