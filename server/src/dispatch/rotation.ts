/** The rotation of a node: which account is served next, and which operation of an account. */
import { UNLIMITED, type Batch, type Served } from '../store/store.ts';

/** Accounts, and senders with a rate limit, that are remembered; beyond that the longest unserved is forgotten. */
const ROTATION_MAX = 1_000;

/** The account that was served last, and the operation of each account. */
export class Rotation {
  readonly #accounts = new Map<string, number>();
  readonly #operations = new Map<number, string>();

  get served(): Served {
    return {
      accounts: Object.fromEntries(this.#accounts),
      operations: Object.fromEntries(this.#operations),
    };
  }

  note({ accountId, operationId }: Batch, limitedSenderId = UNLIMITED): void {
    keep(this.#accounts, limitedSenderId, accountId);
    keep(this.#operations, accountId, operationId);
  }
}

function keep<Key, Value>(latest: Map<Key, Value>, key: Key, value: Value): void {
  latest.delete(key);
  latest.set(key, value);
  const [oldest] = latest.keys();
  if (latest.size > ROTATION_MAX && oldest !== undefined) latest.delete(oldest);
}
