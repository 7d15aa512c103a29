/**
 * The log of an account, read once for all its listeners on this node. Promises: events come in
 * the order of the log, after any event that is still stored, none missing and none twice. Nothing
 * is buffered for a listener without room: it falls behind, and later reads the log from where it
 * stopped.
 *
 * ```
 *  behind ──some at a time, alone, while it has room──▶ level with the feed ──▶ served with all others
 *    ▲                                                       │
 *    └───────────────────── has no room ─────────────────────┘
 * ```
 */
import { countEvents, type EventName, type EventRow } from '../domain/event.ts';
import type { Account, Store } from '../store/store.ts';
import { placeBeforeRow, placeBehindRow, renderEvents } from './render.ts';
import type { EncodedEvent } from './sink.ts';

/** Whoever listens to events. It must not throw. */
export interface EventListener {
  /** Names that it wants; null: all. */
  readonly names: ReadonlySet<EventName> | null;
  /** Takes, as the id of an event, the place behind which it begins; only where it named none itself. */
  begin(place: string): void;
  /** Takes events, at least one, in order, as many as it has room for; returns how many. */
  take(events: readonly EncodedEvent[]): number;
  /** Resolves when it has room again; with false when it wants no more. */
  waitForRoom(): Promise<boolean>;
  /** There will be no more. */
  end(): void;
}

const PAGE_ROWS = 50;
/** Rows are rendered some at a time, of about this many events: a row has up to hundreds. */
const EVENTS_TOGETHER = 500;
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
  /** Those that are not level. */
  readonly #behind = new Set<EventListener>();
  readonly #warn: (error: unknown) => void;
  #reading: Promise<void> | null = null;
  #again = false;
  #isOver = false;

  /**
   * @param position rows behind this one are told
   * @param warn what is called when a listener that has fallen behind cannot go on; it is ended
   */
  constructor(
    store: Store,
    account: Account,
    position: string,
    warn: (error: unknown) => void = () => undefined,
  ) {
    this.#store = store;
    this.#account = account;
    this.#position = position;
    this.#warn = warn;
  }

  get isEmpty(): boolean {
    return this.#listeners.size + this.#behind.size === 0;
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
      for (const some of portionsOf(rows)) await this.#tellAll(some);
      this.#again ||= rows.length === PAGE_ROWS;
    }
  }

  /** Tells the next rows to all that are level. */
  async #tellAll(rows: readonly EventRow[]): Promise<void> {
    const rendered = await this.#renderWanted(rows);
    const before = this.#position;
    this.#position = rows.at(-1)?.id ?? before;
    for (const [listener, told] of this.#listeners) {
      const events = pick(rendered, listener, told);
      const taken = events.length === 0 ? 0 : listener.take(events);
      if (taken === events.length) continue;
      this.#listeners.delete(listener);
      const last = events[taken - 1]?.id;
      const from = last === undefined ? (told > before ? told : before) : placeBeforeRow(last);
      this.#catchUp(from, last ?? '', listener).catch((error: unknown) => {
        this.#warn(error);
        listener.end();
      });
    }
  }

  /** Tells a listener from behind an event on; resolves when it is level, or over. Rejects when the database is away. */
  followFrom(sid: string, listener: EventListener): Promise<void> {
    // The row that it is in is read again, for the rest of it.
    return this.#catchUp(placeBeforeRow(sid), sid, listener);
  }

  async #catchUp(from: string, sid: string, listener: EventListener): Promise<void> {
    this.#behind.add(listener);
    try {
      let [after, last] = [from, sid];
      let isCut = false;
      while (isCut || after < this.#position) {
        isCut = false;
        const level = this.#position;
        const rows = await this.#list(after);
        // With none there is nothing up to where the feed was when they were asked for.
        if (rows.length === 0) after = level;
        for (const some of portionsOf(rows)) {
          const rendered = await this.#render(some, listener.names);
          const events = pick(rendered, listener, '').filter(({ id }) => id > last);
          const taken = events.length === 0 ? 0 : listener.take(events);
          last = events[taken - 1]?.id ?? last;
          if (taken < events.length) {
            isCut = true;
            if (taken > 0) after = placeBeforeRow(last);
            // What is left is read again, so that nothing of it is held meanwhile.
            if (!(await listener.waitForRoom())) return listener.end();
            break;
          }
          after = some.at(-1)?.id ?? after;
        }
      }
      if (this.#behind.has(listener)) this.#join(listener, after);
    } finally {
      this.#behind.delete(listener);
    }
  }

  /** Tells a listener from now on. */
  follow(listener: EventListener): void {
    listener.begin(placeBehindRow(this.#position));
    this.#join(listener, this.#position);
  }

  #join(listener: EventListener, told: string): void {
    if (this.#isOver) return listener.end();
    this.#listeners.set(listener, told);
  }

  leave(listener: EventListener): void {
    this.#listeners.delete(listener);
    this.#behind.delete(listener);
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

/** Rows in their order, cut where they have some hundred events. */
function* portionsOf(rows: readonly EventRow[]): Generator<readonly EventRow[]> {
  let from = 0;
  let events = 0;
  for (const [i, row] of rows.entries()) {
    events += countEvents(row);
    if (events < EVENTS_TOGETHER && i < rows.length - 1) continue;
    yield rows.slice(from, i + 1);
    [from, events] = [i + 1, 0];
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
