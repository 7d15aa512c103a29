/**
 * Account feed: the log of an account, read once for all who listen to it on this node. Promises: the order of the log, from behind
 * any event that is still kept, none left out and none twice. A listener that takes no more is let go of.
 *
 * ```
 *  behind ──page by page, alone──▶ level with the feed ──▶ told with all others
 * ```
 */
import type { EventName, EventRow } from '../domain/event.ts';
import type { Account, Store } from '../store/store.ts';
import { placeBeforeRow, renderEvents } from './render.ts';
import type { EncodedEvent } from './sink.ts';

/** Whoever listens to events. It must not throw. */
export interface EventListener {
  /** Names that it wants; null: all. */
  readonly names: ReadonlySet<EventName> | null;
  /** Takes events, at least one; false when it wants no more. */
  take(events: readonly EncodedEvent[]): boolean;
  /** There will be no more. */
  end(): void;
}

const PAGE_ROWS = 50;
const NO_TAGS = {};

interface RenderedRow {
  readonly row: EventRow;
  readonly events: readonly EncodedEvent[];
}

export class AccountFeed {
  readonly #store: Store;
  readonly #account: Account;
  /** Everything up to this row has been told. */
  #position: string;
  /** By listener, the row up to which it has been told by other ways. */
  readonly #listeners = new Map<EventListener, string>();
  #reading: Promise<void> | null = null;
  #again = false;
  /** Those that are not level yet. */
  #behind = 0;
  #isOver = false;

  /** @param position rows behind this one are told */
  constructor(store: Store, account: Account, position: string) {
    this.#store = store;
    this.#account = account;
    this.#position = position;
  }

  get isEmpty(): boolean {
    return this.#listeners.size + this.#behind === 0;
  }

  /** There may be more: reads on, one turn at a time. Rejects when the database is away; the next wake-up goes on. */
  wake(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    while (this.#again && !this.isEmpty) {
      this.#again = false;
      const rows = await this.#list(this.#position);
      const last = rows.at(-1);
      if (last === undefined) continue;
      const rendered = await this.#renderWanted(rows);
      this.#position = last.id;
      for (const [listener, told] of this.#listeners) {
        const events = pick(rendered, listener, told);
        if (events.length > 0 && !listener.take(events)) this.#drop(listener);
      }
      this.#again ||= rows.length === PAGE_ROWS;
    }
  }

  /** Tells a listener from behind an event on. Rejects when the database is away. */
  async followFrom(sid: string, listener: EventListener): Promise<void> {
    this.#behind += 1;
    try {
      await this.#catchUp(sid, listener);
    } finally {
      this.#behind -= 1;
    }
  }

  async #catchUp(sid: string, listener: EventListener): Promise<void> {
    // The row that it is in is read again, for the rest of it.
    let after = placeBeforeRow(sid);
    while (after < this.#position) {
      const level = this.#position;
      const rows = await this.#list(after);
      // With none there is nothing up to where the feed was when they were asked for.
      after = rows.at(-1)?.id ?? level;
      const rendered = await this.#render(rows, listener.names);
      const events = pick(rendered, listener, '').filter(({ id }) => id > sid);
      if (events.length > 0 && !listener.take(events)) return listener.end();
    }
    this.follow(listener, after);
  }

  /** Tells a listener from now on. */
  follow(listener: EventListener, told = this.#position): void {
    if (this.#isOver) return listener.end();
    this.#listeners.set(listener, told);
  }

  leave(listener: EventListener): void {
    this.#listeners.delete(listener);
  }

  /** Ends all listeners, those too that are still catching up. */
  endAll(): void {
    this.#isOver = true;
    for (const listener of this.#listeners.keys()) this.#drop(listener);
  }

  #drop(listener: EventListener): void {
    this.#listeners.delete(listener);
    listener.end();
  }

  #list(after: string): Promise<EventRow[]> {
    return this.#store.events.listEvents(this.#account.id, after, PAGE_ROWS);
  }

  /** Rows for all that listen when they are ready: one who has joined meanwhile may want others. */
  async #renderWanted(rows: readonly EventRow[]): Promise<RenderedRow[]> {
    let names = this.#wanted();
    for (;;) {
      const rendered = await this.#render(rows, names);
      const now = this.#wanted();
      if (covers(names, now)) return rendered;
      // Only ever more, so that it ends however many come and go.
      names = now === null ? null : new Set([...(names ?? []), ...now]);
    }
  }

  /** Names that any listener wants; null: all. */
  #wanted(): ReadonlySet<EventName> | null {
    const names = new Set<EventName>();
    for (const listener of this.#listeners.keys()) {
      if (listener.names === null) return null;
      for (const name of listener.names) names.add(name);
    }
    return names;
  }

  async #render(
    rows: readonly EventRow[],
    names: ReadonlySet<EventName> | null,
  ): Promise<RenderedRow[]> {
    const wanted = rows.filter(({ name }) => names === null || names.has(name));
    if (wanted.length === 0) return [];
    const facts = await this.#store.events.loadEventFacts(this.#account.id, wanted);
    const options = { accountSid: this.#account.sid, tags: NO_TAGS };
    return wanted.map((row) => ({ row, events: renderEvents(row, facts, options) }));
  }
}

type Names = ReadonlySet<EventName> | null;

/** Whether all that is wanted is among `names`; null is all. */
function covers(names: Names, wanted: Names): boolean {
  return names === null || (wanted !== null && [...wanted].every((each) => names.has(each)));
}

/** What of rendered rows a listener wants that it has not been told. */
function pick(
  rows: readonly RenderedRow[],
  { names }: EventListener,
  told: string,
): EncodedEvent[] {
  return rows.flatMap(({ row, events }) =>
    row.id > told && (names === null || names.has(row.name)) ? events : [],
  );
}
