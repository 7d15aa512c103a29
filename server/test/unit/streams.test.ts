/** Streams beside listeners that come and go while the log is read, and a database that fails meanwhile. */
import { expect, it, onTestFinished, vi } from 'vitest';
import type { EventListener } from '../../src/domain/live-events.ts';
import { AccountFeed } from '../../src/events/account-feed.ts';
import { eventSid } from '../../src/events/render.ts';
import { OperationWatch } from '../../src/events/operation-watch.ts';
import { createStreamHub } from '../../src/events/stream.ts';
import type { EventName, EventRow } from '../../src/domain/event.ts';
import { messageUuid } from '../../src/domain/ids.ts';
import type { Operation } from '../../src/domain/operation.ts';
import { createLogger } from '../../src/lib/log.ts';
import type { Account, Store } from '../../src/store/store.ts';

const ACCOUNT = { id: 1, sid: 'AC00000000000000000000000000000001' } as Account;
const OPERATION = '0192f0a0-aaaa-7bcd-9e01-234500000000';

/** A place in the log that a test fills, and a gate before each answer to a question about what rows are about. */
function controlStore() {
  const rows: EventRow[] = [];
  const gates: (() => void)[] = [];
  const asked: string[][] = [];
  let isOpen = true;
  const listening = { count: 0 };
  const store = {
    events: {
      lastEventId: async () => idOf(0),
      listEvents: async (_account: number, after: string, limit: number) =>
        rows.filter(({ id }) => id > after).slice(0, limit),
      loadEventFacts: async (_account: number, wanted: readonly EventRow[]) => {
        asked.push(wanted.map(({ name }) => name));
        if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve));
        const known = { kind: 'MESSAGES', plan: { senders: [] }, tags: {} };
        return {
          messages: new Map(),
          inbound: new Map(),
          operations: new Map([[OPERATION, known]]),
        };
      },
    },
    maintenance: {
      listen: async () => {
        listening.count += 1;
        return async () => void (listening.count -= 1);
      },
    },
    operations: { fetchOperations: async () => [] },
  };
  return {
    store: store as unknown as Store,
    raw: store,
    rows,
    asked,
    listening,
    close: () => (isOpen = false),
    open: () => {
      isOpen = true;
      for (const each of gates.splice(0)) each();
    },
  };
}

function idOf(place: number): string {
  return `0192f0a0-aaaa-7${place.toString(16).padStart(3, '0')}-8000-000000000000`;
}

function rowOf(place: number, name: EventName): EventRow {
  return {
    id: idOf(place),
    subjectId: OPERATION,
    name,
    at: new Date(0),
    attempt: 0,
    candidate: 0,
    errorCode: null,
    ordinals: null,
    stats: null,
  };
}

function listen(...names: EventName[]): EventListener & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    names: new Set(names),
    begin: () => undefined,
    take: (events) => {
      seen.push(...events.map(({ type }) => type.split('.').at(-1) ?? ''));
      return events.length;
    },
    waitForRoom: async () => true,
    end: () => seen.push('end'),
  };
}

const log = createLogger('silent');

it('leaves nothing out for a listener that joins while a page is rendered', async () => {
  const control = controlStore();
  const feed = new AccountFeed(control.store, ACCOUNT, idOf(0));
  const first = listen('operation.processing');
  feed.follow(first);
  control.rows.push(rowOf(1, 'operation.processing'), rowOf(2, 'operation.completed'));
  control.close();
  const woken = feed.wake();
  await vi.waitFor(() => expect(control.asked).toHaveLength(1));
  const second = listen('operation.completed');
  feed.follow(second);
  control.open();
  await woken;
  expect([first.seen, second.seen]).toEqual([['processing'], ['completed']]);
  await feed.wake();
  expect([first.seen, second.seen]).toEqual([['processing'], ['completed']]);
});

it('leaves nothing out for a listener that catches up while a page is rendered', async () => {
  const control = controlStore();
  const feed = new AccountFeed(control.store, ACCOUNT, idOf(1));
  const first = listen('operation.processing');
  feed.follow(first);
  control.rows.push(
    rowOf(1, 'operation.completed'),
    rowOf(2, 'operation.processing'),
    rowOf(3, 'operation.completed'),
  );
  control.close();
  const woken = feed.wake();
  await vi.waitFor(() => expect(control.asked).toHaveLength(1));
  const second = listen('operation.completed');
  // The page before it is behind the feed, and the one that is made ready is before it.
  const caughtUp = feed.followFrom(eventSid(idOf(1), 0), second);
  control.open();
  await Promise.all([woken, caughtUp]);
  await feed.wake();
  expect(second.seen).toEqual(['completed']);
});

/** What is known of ten messages. */
const manyFacts = () => ({
  messages: new Map(
    Array.from({ length: 10 }, (_, i) => [
      messageUuid(OPERATION, i),
      { tags: null, addresses: [] },
    ]),
  ),
  inbound: new Map(),
  operations: new Map([[OPERATION, { kind: 'MESSAGES', plan: { senders: [] }, tags: {} }]]),
});

/** A place in the log with events of several messages. */
const sentTo = (place: number, ordinals: readonly number[]): EventRow => ({
  ...rowOf(place, 'message.sent'),
  attempt: 1,
  ordinals,
});

it('continues within a row that the feed has not reached, for a listener without room in between', async () => {
  const control = controlStore();
  const feed = new AccountFeed(control.store, ACCOUNT, idOf(0));
  control.raw.events.loadEventFacts = async () => manyFacts();
  control.rows.push(sentTo(1, [0, 1, 2, 3, 4]));
  const seen: string[] = [];
  let room = 2;
  const listener: EventListener = {
    names: null,
    begin: () => undefined,
    take: (events) => {
      const some = events.slice(0, room);
      room = 0;
      return seen.push(...some.map(({ id }) => id)) && some.length;
    },
    waitForRoom: async () => (room = 2) > 0,
    end: () => undefined,
  };
  await feed.followFrom(`EZ${'0'.repeat(32)}`, listener);
  await feed.wake();
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
});

it('buffers nothing for a listener without room, and leaves nothing out for it', async () => {
  const control = controlStore();
  control.raw.events.loadEventFacts = async () => manyFacts();
  const feed = new AccountFeed(control.store, ACCOUNT, idOf(0));
  const seen: string[] = [];
  const all: string[] = [];
  let give: (room: boolean) => void = () => undefined;
  let room = 3;
  const slow: EventListener = {
    names: null,
    begin: () => undefined,
    take: (events) => {
      const some = events.slice(0, room);
      room -= some.length;
      seen.push(...some.map(({ id }) => id));
      return some.length;
    },
    waitForRoom: () => new Promise((resolve) => (give = resolve)),
    end: () => seen.push('end'),
  };
  const quick: EventListener = {
    names: null,
    begin: () => undefined,
    take: (events) => all.push(...events.map(({ id }) => id)) && events.length,
    waitForRoom: async () => true,
    end: () => undefined,
  };
  feed.follow(slow);
  feed.follow(quick);
  control.rows.push(sentTo(1, [0, 1, 2, 3, 4]), sentTo(2, [5, 6]), sentTo(3, [7, 8, 9]));
  await feed.wake();
  expect([seen.length, all.length]).toEqual([3, 10]);
  // More happens meanwhile, and room comes little by little.
  control.rows.push(sentTo(4, [0, 1]));
  await feed.wake();
  for (const each of [1, 3, 1, 9]) {
    const before = seen.length;
    room = each;
    give(true);
    await vi.waitFor(() => expect(seen.length).toBe(Math.min(before + each, 12)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(seen).toEqual(all);
  // It is level, and served with the others.
  room = 2;
  control.rows.push(sentTo(5, [3, 4]));
  await feed.wake();
  expect(seen).toEqual(all);
  // One that goes while it is behind leaves nothing.
  control.rows.push(sentTo(6, [5]));
  await feed.wake();
  feed.leave(quick);
  expect(feed.isEmpty).toBe(false);
  feed.leave(slow);
  expect(feed.isEmpty).toBe(true);
});

it('leaves no feed, timer or connection behind when the log cannot be read', async () => {
  const control = controlStore();
  const hub = createStreamHub({ store: control.store, log });
  const intervals = vi.spyOn(globalThis, 'setInterval');
  const cleared = vi.spyOn(globalThis, 'clearInterval');
  onTestFinished(() => void vi.restoreAllMocks());
  control.raw.events.lastEventId = async () => idOf(5);
  control.raw.events.listEvents = async () => {
    throw new Error('The database is away');
  };
  const sid = eventSid(idOf(1), 0);
  const late = listen();
  const leave = await hub.followAccount(ACCOUNT, late, sid);
  await vi.waitFor(() => expect(late.seen).toEqual(['end']));
  leave();
  await vi.waitFor(() => expect(control.listening.count).toBe(0));
  expect(cleared).toHaveBeenCalledTimes(intervals.mock.calls.length);
  expect(intervals).toHaveBeenCalled();
});

it('keeps the feed for others when one of them cannot catch up', async () => {
  const control = controlStore();
  const hub = createStreamHub({ store: control.store, log });
  const other = listen('operation.completed');
  const end = await hub.followAccount(ACCOUNT, other, null);
  const list = control.raw.events.listEvents;
  // Behind what the feed has passed on, so that it has something to read.
  control.rows.push(rowOf(1, 'operation.completed'));
  await vi.waitFor(() => expect(other.seen).toEqual(['completed']), { timeout: 5_000 });
  control.raw.events.listEvents = async () => {
    throw new Error('The database is away');
  };
  const sid = `EZ${idOf(0).replaceAll('-', '')}`;
  const late = listen();
  const leave = await hub.followAccount(ACCOUNT, late, sid);
  await vi.waitFor(() => expect(late.seen).toEqual(['end']));
  leave();
  control.raw.events.listEvents = list;
  control.rows.push(rowOf(2, 'operation.completed'));
  await vi.waitFor(() => expect(other.seen).toEqual(['completed', 'completed']), {
    timeout: 5_000,
  });
  end();
  await vi.waitFor(() => expect(control.listening.count).toBe(0));
});

it('ends listeners that are still catching up when it stops', async () => {
  const control = controlStore();
  const hub = createStreamHub({ store: control.store, log });
  control.raw.events.lastEventId = async () => idOf(1);
  control.rows.push(rowOf(1, 'operation.completed'));
  control.close();
  const late = listen('operation.completed');
  const end = await hub.followAccount(ACCOUNT, late, `EZ${idOf(0).replaceAll('-', '')}`);
  await vi.waitFor(() => expect(control.asked).toHaveLength(1));
  await hub.stop();
  control.open();
  await vi.waitFor(() => expect(late.seen.at(-1)).toBe('end'));
  end();
  await vi.waitFor(() => expect(control.listening.count).toBe(0));
});

it('sends a later state of an operation that has the same time', async () => {
  const state = (revision: number, delivered: number) =>
    ({ id: OPERATION, revision, updatedAt: new Date(5), stats: { delivered } }) as Operation;
  let now = state(7, 1);
  const store = { operations: { fetchOperations: async () => [now] } } as unknown as Store;
  const watch = new OperationWatch(store, 1);
  const seen: number[] = [];
  watch.follow(state(7, 1), {
    take: ({ stats }) => seen.push(stats.delivered) > 0,
    end: () => undefined,
  });
  await watch.look();
  now = state(8, 2);
  await watch.look();
  // An answer that was read before comes late.
  now = state(7, 1);
  await watch.look();
  expect(seen).toEqual([2]);
});
