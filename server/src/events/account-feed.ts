/**
 * The event log of an account, read once for all its listeners on this node. Promises: events come
 * in the order of the log, after any event that is still stored, none missing and none twice.
 * Nothing is buffered for a listener without room: it falls behind, and later reads the log from
 * where it stopped.
 *
 * ```
 *  behind ──some at a time, alone, while it has room──▶ level with the feed ──▶ served with all others
 *    ▲                                                       │
 *    └───────────────────── has no room ─────────────────────┘
 * ```
 */
import type { EventRow } from '../domain/event.ts';
import type { EventListener, StreamAccount } from '../domain/live-events.ts';
import type { Store } from '../store/store.ts';
import {
  AccountLog,
  covers,
  namesOf,
  PAGE_ROWS,
  pick,
  portionsOf,
  union,
  type RenderedRow,
} from './account-log.ts';
import { placeBeforeRow, placeBehindRow } from './render.ts';

/** The place of a listener in the log. */
interface Place {
  /** The row up to which everything was delivered. */
  readonly row: string;
  /** The last event that was delivered: of the row, or of the next one. */
  readonly event: string;
}

export class AccountFeed {
  readonly #log: AccountLog;
  /** The row up to which everything was delivered to the listeners that are level. */
  #position: string;
  /** Listeners that are level, each with the row up to which it was served alone. */
  readonly #level = new Map<EventListener, string>();
  /** Listeners that are behind. */
  readonly #behind = new Set<EventListener>();
  readonly #warn: (error: unknown) => void;
  #reading: Promise<void> | null = null;
  #again = false;
  #isOver = false;

  /**
   * @param position rows behind this one are delivered
   * @param warn called with the error of a listener that fell behind and cannot continue; it is ended
   */
  constructor(
    store: Store,
    account: StreamAccount,
    position: string,
    warn: (error: unknown) => void = () => undefined,
  ) {
    this.#log = new AccountLog(store, account);
    this.#position = position;
    this.#warn = warn;
  }

  get isEmpty(): boolean {
    return this.#level.size + this.#behind.size === 0;
  }

  /** Reads new rows, one read at a time. Rejects when the database is unavailable; the next call continues. */
  wake(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    while (this.#again && !this.isEmpty) {
      this.#again = false;
      const rows = await this.#log.list(this.#position);
      for (const portion of portionsOf(rows)) await this.#deliverToLevel(portion);
      this.#again ||= rows.length === PAGE_ROWS;
    }
  }

  /** Delivers the next rows to all listeners that are level. Those without room fall behind. */
  async #deliverToLevel(rows: readonly EventRow[]): Promise<void> {
    const rendered = await this.#renderForLevel(rows);
    const before = this.#position;
    this.#position = rows.at(-1)?.id ?? before;
    for (const [listener, servedTo] of this.#level) {
      const events = pick(rendered, listener.names, servedTo);
      const taken = events.length === 0 ? 0 : listener.take(events);
      if (taken === events.length) continue;
      this.#level.delete(listener);
      const last = events[taken - 1]?.id;
      const row = servedTo > before ? servedTo : before;
      const place = last === undefined ? { row, event: '' } : placeOf(last);
      this.#catchUp(listener, place).catch((error: unknown) => {
        this.#warn(error);
        listener.end();
      });
    }
  }

  /** Renders rows for all listeners that are level when they are ready: others may have joined meanwhile. */
  async #renderForLevel(rows: readonly EventRow[]): Promise<RenderedRow[]> {
    let names = namesOf(this.#level.keys());
    for (;;) {
      const rendered = await this.#log.render(rows, names);
      const wanted = namesOf(this.#level.keys());
      if (covers(names, wanted)) return rendered;
      // The set only grows, so the loop ends however many listeners come and go.
      names = union(names, wanted);
    }
  }

  /** Delivers to a listener from now on. */
  follow(listener: EventListener): void {
    listener.begin(placeBehindRow(this.#position));
    this.#join(listener, this.#position);
  }

  /**
   * Delivers to a listener behind an event. Resolves when it is level, or over. Rejects when the database is
   * unavailable.
   */
  followFrom(sid: string, listener: EventListener): Promise<void> {
    return this.#catchUp(listener, placeOf(sid));
  }

  async #catchUp(listener: EventListener, from: Place): Promise<void> {
    this.#behind.add(listener);
    try {
      let [place, isCut] = [from, false];
      while (isCut || place.row < this.#position) {
        const level = this.#position;
        const rows = await this.#log.list(place.row);
        // Without rows, the log has nothing up to the feed's position before the read.
        if (rows.length === 0) [place, isCut] = [{ ...place, row: level }, false];
        else [place, isCut] = await this.#deliverTo(listener, rows, place);
        // The remaining events are read again, so that none of them is held meanwhile.
        if (isCut && !(await listener.waitForRoom())) return listener.end();
      }
      if (this.#behind.has(listener)) this.#join(listener, place.row);
    } finally {
      this.#behind.delete(listener);
    }
  }

  /** Delivers rows to one listener until it has no room. Returns its new place, and whether it had no room. */
  async #deliverTo(
    listener: EventListener,
    rows: readonly EventRow[],
    from: Place,
  ): Promise<[place: Place, isCut: boolean]> {
    let { row, event } = from;
    for (const portion of portionsOf(rows)) {
      const rendered = await this.#log.render(portion, listener.names);
      const events = pick(rendered, listener.names, '').filter(({ id }) => id > event);
      const taken = events.length === 0 ? 0 : listener.take(events);
      const last = events[taken - 1]?.id;
      if (taken < events.length) return [last === undefined ? { row, event } : placeOf(last), true];
      row = portion.at(-1)?.id ?? row;
      event = last ?? event;
    }
    return [{ row, event }, false];
  }

  #join(listener: EventListener, servedTo: string): void {
    if (this.#isOver) return listener.end();
    this.#level.set(listener, servedTo);
  }

  leave(listener: EventListener): void {
    this.#level.delete(listener);
    this.#behind.delete(listener);
  }

  /** Ends all listeners, including those that are still catching up. */
  endAll(): void {
    this.#isOver = true;
    for (const listener of this.#level.keys()) {
      this.#level.delete(listener);
      listener.end();
    }
  }
}

/** The place behind an event. Its row is read again, because it may have more events. */
const placeOf = (event: string): Place => ({ row: placeBeforeRow(event), event });
