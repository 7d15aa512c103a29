/**
 * One connection that all deliveries share: opened at first use, abandoned when it fails, and
 * opened anew by the next delivery. There is no reconnect loop: without deliveries no connection
 * is needed, and deliveries are retried anyway.
 */
export interface SharedLink<Link> {
  /**
   * Calls `task` with the connection, which stays open until the task has ended.
   * @throws what `open` rejected with; of several that wait for one connection, all.
   */
  use<Result>(task: (link: Link) => Promise<Result>): Promise<Result>;
  /** Gives it out no more, and closes it when its last user is done. Any number of times. */
  drop(link: Link): void;
  /**
   * Closes all there are, also under those who still use them, and one that is being opened when it is open; resolves when that
   * is done. Nothing is to be used afterwards.
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
