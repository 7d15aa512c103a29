/**
 * One connection that all deliveries share: opened at first use, abandoned when it fails, and
 * opened anew by the next delivery. There is no reconnect loop: without deliveries no connection
 * is needed, and deliveries are retried anyway.
 */
export interface SharedLink<Link> {
  /**
   * Calls `task` with the connection, which stays open until the task has ended.
   * @throws the error of `open`, to all that wait for the connection
   */
  use<Result>(task: (link: Link) => Promise<Result>): Promise<Result>;
  /** Gives the connection to no further task, and closes it after its last one. May be called repeatedly. */
  drop(link: Link): void;
  /**
   * Closes all connections, also during tasks, and a connection that is being opened as soon as it is open. Resolves
   * when that is done. No call may follow.
   */
  close(): Promise<void>;
}

interface Entry<Link> {
  readonly link: Link;
  users: number;
  dropped: boolean;
}

export function createSharedLink<Link extends object>(life: {
  readonly open: () => Promise<Link>;
  /** Must not reject. */
  readonly close: (link: Link) => Promise<void>;
}): SharedLink<Link> {
  let current: Promise<Entry<Link>> | null = null;
  const open = new Map<Link, Entry<Link>>();
  const closing = new Set<Promise<void>>();

  async function openEntry(): Promise<Entry<Link>> {
    const link = await life.open();
    const entry = { link, users: 0, dropped: false };
    open.set(link, entry);
    return entry;
  }

  function closeNow(entry: Entry<Link>): void {
    if (!open.delete(entry.link)) return;
    const closed = life.close(entry.link).finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function closeUnused(entry: Entry<Link>): void {
    if (entry.dropped && entry.users === 0) closeNow(entry);
  }

  async function acquire(): Promise<Entry<Link>> {
    const opening = (current ??= openEntry());
    try {
      const entry = await opening;
      entry.users += 1;
      return entry;
    } catch (error) {
      if (current === opening) current = null;
      throw error;
    }
  }

  function drop(link: Link): void {
    const entry = open.get(link);
    if (entry === undefined || entry.dropped) return;
    entry.dropped = true;
    current = null;
    closeUnused(entry);
  }

  return {
    drop,
    async use(task) {
      const entry = await acquire();
      try {
        return await task(entry.link);
      } finally {
        entry.users -= 1;
        closeUnused(entry);
      }
    },
    async close() {
      await current?.catch(() => null);
      current = null;
      for (const entry of open.values()) closeNow(entry);
      await Promise.all(closing);
    },
  };
}
