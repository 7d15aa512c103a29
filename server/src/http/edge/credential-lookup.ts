/**
 * Looks up credentials in the database by their SIDs. One statement at a time looks up all waiting SIDs, so a flood of
 * failed sign-ins, from any number of addresses, costs one connection. Correct credentials wait for two statements at
 * most, as long as fewer than `SIDS_MAX` SIDs wait.
 */
import type { Credential, Store } from '../../store/store.ts';

/** Resolves with the live credential of a SID, as it is after the call. Rejects when the database is unavailable. */
export type CredentialLookup = (sid: string) => Promise<Credential | null>;

interface Asked {
  readonly answer: Promise<Credential | null>;
  readonly resolve: (credential: Credential | null) => void;
  readonly reject: (error: unknown) => void;
}

/** SIDs of one statement; the others are in the next. */
const SIDS_MAX = 2_000;

export function createCredentialLookup({ accounts }: Pick<Store, 'accounts'>): CredentialLookup {
  /** SIDs that wait for a statement. */
  const waiting = new Map<string, Asked>();
  let isAsking = false;

  async function askAll(): Promise<void> {
    isAsking = true;
    while (waiting.size > 0) {
      const asked = [...waiting].slice(0, SIDS_MAX);
      for (const [sid] of asked) waiting.delete(sid);
      try {
        const found = await accounts.findCredentials(asked.map(([sid]) => sid));
        for (const [sid, { resolve }] of asked) resolve(found.get(sid) ?? null);
      } catch (error) {
        for (const [, { reject }] of asked) reject(error);
      }
    }
    isAsking = false;
  }

  return (sid) => {
    let asked = waiting.get(sid);
    if (asked === undefined) waiting.set(sid, (asked = createAsked()));
    if (!isAsking) void askAll();
    return asked.answer;
  };
}

function createAsked(): Asked {
  let resolve: Asked['resolve'] = () => undefined;
  let reject: Asked['reject'] = () => undefined;
  const answer = new Promise<Credential | null>((...settle) => ([resolve, reject] = settle));
  return { answer, resolve, reject };
}
