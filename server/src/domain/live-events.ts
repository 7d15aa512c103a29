/** The contract of live streams: `events/` reads events and operations, `http/` sends them to clients. */
import type { EventName } from './event.ts';
import type { Operation } from './operation.ts';

/** An event as text, and its place in the order of all. */
export interface StreamedEvent {
  /** The CloudEvents `id`. */
  readonly id: string;
  /** The CloudEvents `type`. */
  readonly type: string;
  /** The CloudEvent, an object without line breaks. */
  readonly json: string;
}

/** The account of a stream. */
export interface StreamAccount {
  readonly id: number;
  readonly sid: string;
}

/** A receiver of the events of an account. Its methods must not throw. */
export interface EventListener {
  /** Names of the wanted events; null: all. */
  readonly names: ReadonlySet<EventName> | null;
  /** Takes, as the id of an event, the place behind which it begins. Called only without a place of its own. */
  begin(place: string): void;
  /** Takes events, at least one, in order, as many as it has room for; returns their number. */
  take(events: readonly StreamedEvent[]): number;
  /** Resolves with true when it has room again, with false when it has ended. */
  waitForRoom(): Promise<boolean>;
  /** No more events follow. */
  end(): void;
}

/** A receiver of the states of an operation. Its methods must not throw. */
export interface OperationListener {
  /** Takes a state that differs from the previous one; false when the listener has ended. */
  take(operation: Operation): boolean;
  /** No more states follow. */
  end(): void;
}

/** The source of live streams. */
export interface StreamSource {
  /**
   * Delivers events behind one of them, or from now on. Resolves at once, with the function that ends it. A listener
   * that cannot get its missed events is ended. Rejects when the database is unavailable.
   */
  followAccount(
    account: StreamAccount,
    listener: EventListener,
    afterSid: string | null,
  ): Promise<() => void>;
  /** Delivers changes of an operation after the given state; returns the function that ends it. */
  followOperation(accountId: number, operation: Operation, listener: OperationListener): () => void;
}
