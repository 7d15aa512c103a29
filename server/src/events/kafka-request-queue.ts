/**
 * Repairs a fault of kafkajs 2.2. After its first answer, a connection checks an empty queue about
 * a thousand times a second. This costs some percent of a core, and a TimeoutNegativeWarning from
 * Node.js 24 on. The client has no option against it and no release since 2023, so its class is
 * changed in place.
 */
import { createRequire } from 'node:module';

const FILE = 'kafkajs/src/network/requestQueue';

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

let mended = false;

/** To be called before a client is made; any number of times. A client that is built otherwise is left as it is. */
export function mendRequestQueue(): void {
  if (mended) return;
  mended = true;
  const prototype = findPrototype();
  if (prototype === null) return;
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleIfAnyWait(this: RequestQueue) {
    // A request that has to wait is put there first, and calls this.
    if (this.pending.length > 0) schedule.call(this);
  };
}

function findPrototype(): RequestQueue | null {
  try {
    const { prototype } = createRequire(import.meta.url)(FILE) as { prototype: RequestQueue };
    return typeof prototype.scheduleCheckPendingRequests === 'function' ? prototype : null;
  } catch {
    return null;
  }
}
