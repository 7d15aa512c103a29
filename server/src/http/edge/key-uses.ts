/**
 * Records when API keys were last used. A request notes the use in memory; a later statement
 * writes many at once.
 */
import type { Logger } from '../../lib/log.ts';
import { createLoop, type Service } from '../../lib/service.ts';
import type { Store } from '../../store/store.ts';

/** Noted uses are written this often; the database takes one for each key and minute. */
const WRITE_MS = 5_000;
const BACKOFF_MS_MAX = 60_000;

export interface KeyUses extends Service {
  /** A key is used now. */
  note(sid: string): void;
}

export function createKeyUses({ accounts }: Pick<Store, 'accounts'>, log: Logger): KeyUses {
  /** Only valid keys, so there are no more of them than in the database. */
  let noted = new Map<string, Date>();

  async function write(): Promise<boolean> {
    if (noted.size === 0) return false;
    const uses = noted;
    noted = new Map();
    try {
      await accounts.noteKeyUses(uses);
    } catch (error) {
      noted = new Map([...uses, ...noted]);
      throw error;
    }
    return false;
  }

  const loop = createLoop({
    work: write,
    idleMs: WRITE_MS,
    backoffMsMax: BACKOFF_MS_MAX,
    onError: (error) => log.warn({ err: error }, 'The last uses of API keys could not be written'),
  });
  return {
    note: (sid) => void noted.set(sid, new Date()),
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await write().catch(() => undefined);
    },
  };
}
