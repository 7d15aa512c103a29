/**
 * The current state of operations that clients follow on this node. All of them are read in one
 * query, at most every `OPERATION_MS` during changes; the last state is always sent.
 */
import type { OperationListener } from '../domain/live-events.ts';
import type { Operation } from '../domain/operation.ts';
import type { Store } from '../store/store.ts';

interface Place {
  shown: Operation;
  readonly listeners: Set<OperationListener>;
}

export class OperationWatch {
  readonly #store: Store;
  readonly #accountId: number;
  readonly #places = new Map<string, Place>();

  constructor(store: Store, accountId: number) {
    this.#store = store;
    this.#accountId = accountId;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** Sends changes of an operation since the state `operation`, which the listener has. */
  follow(operation: Operation, listener: OperationListener): void {
    const place = this.#places.get(operation.id);
    if (place === undefined)
      this.#places.set(operation.id, { shown: operation, listeners: new Set([listener]) });
    else {
      place.listeners.add(listener);
      if (isNewer(place.shown, operation)) listener.take(place.shown);
    }
  }

  leave(operationId: string, listener: OperationListener): void {
    const place = this.#places.get(operationId);
    place?.listeners.delete(listener);
    if (place?.listeners.size === 0) this.#places.delete(operationId);
  }

  /** Reads all watched operations. Rejects when the database is unavailable. */
  async look(): Promise<void> {
    const operations = await this.#store.operations.fetchOperations(this.#accountId, [
      ...this.#places.keys(),
    ]);
    for (const operation of operations) {
      const place = this.#places.get(operation.id);
      if (place === undefined || !isNewer(operation, place.shown)) continue;
      place.shown = operation;
      for (const listener of place.listeners)
        if (!listener.take(operation)) {
          listener.end();
          this.leave(operation.id, listener);
        }
    }
  }

  endAll(): void {
    for (const { listeners } of this.#places.values()) for (const each of listeners) each.end();
    this.#places.clear();
  }
}

function isNewer(operation: Operation, than: Operation): boolean {
  return operation.revision > than.revision;
}
