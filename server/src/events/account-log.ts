/** The event log of an account: reads its rows and renders them for the listeners on this node. */
import { countEvents, type EventName, type EventRow } from '../domain/event.ts';
import type { EventListener, StreamAccount } from '../domain/live-events.ts';
import type { Store } from '../store/store.ts';
import { renderEvents } from './render.ts';
import type { EncodedEvent } from './sink.ts';

/** Names of wanted events; null: all. */
export type Names = EventListener['names'];

export interface RenderedRow {
  readonly row: EventRow;
  readonly events: readonly EncodedEvent[];
}

/** Rows of one read. */
export const PAGE_ROWS = 50;
/** A row has up to hundreds of events. Rows are rendered in portions of about this many. */
const PORTION_EVENTS = 500;
const NO_TAGS = {};

export class AccountLog {
  readonly #store: Store;
  readonly #account: StreamAccount;

  constructor(store: Store, account: StreamAccount) {
    this.#store = store;
    this.#account = account;
  }

  /** The next rows behind one, `PAGE_ROWS` at most. */
  list(after: string): Promise<EventRow[]> {
    return this.#store.events.listEvents(this.#account.id, after, PAGE_ROWS);
  }

  /** The events of the rows with wanted names. */
  async render(rows: readonly EventRow[], names: Names): Promise<RenderedRow[]> {
    const wanted = rows.filter(({ name }) => names === null || names.has(name));
    if (wanted.length === 0) return [];
    const facts = await this.#store.events.loadEventFacts(this.#account.id, wanted);
    const options = { accountSid: this.#account.sid, tags: NO_TAGS };
    return wanted.map((row) => ({ row, events: renderEvents(row, facts, options) }));
  }
}

/** Rows in their order, cut where they have some hundred events. */
export function* portionsOf(rows: readonly EventRow[]): Generator<readonly EventRow[]> {
  let from = 0;
  let events = 0;
  for (const [i, row] of rows.entries()) {
    events += countEvents(row);
    if (events < PORTION_EVENTS && i < rows.length - 1) continue;
    yield rows.slice(from, i + 1);
    [from, events] = [i + 1, 0];
  }
}

/** The events with wanted names in the rows behind one. */
export function pick(rows: readonly RenderedRow[], names: Names, after: string): EncodedEvent[] {
  return rows.flatMap(({ row, events }) =>
    row.id > after && (names === null || names.has(row.name)) ? events : [],
  );
}

/** Names that any of the listeners wants. */
export function namesOf(listeners: Iterable<EventListener>): Names {
  const names = new Set<EventName>();
  for (const listener of listeners) {
    if (listener.names === null) return null;
    for (const name of listener.names) names.add(name);
  }
  return names;
}

/** Whether all wanted names are among `names`. */
export function covers(names: Names, wanted: Names): boolean {
  return names === null || (wanted !== null && [...wanted].every((each) => names.has(each)));
}

/** The names in either. */
export function union(one: Names, other: Names): Names {
  return one === null || other === null ? null : new Set([...one, ...other]);
}
