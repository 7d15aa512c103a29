/** Whether something comes for the first time: what would be logged again and again is logged once. */

/** Kinds that are remembered; beyond them each counts as seen. */
const KINDS_MAX = 1_000;

export function createFirstTime(): (kind: string) => boolean {
  const seen = new Set<string>();
  return (kind) => {
    if (seen.has(kind) || seen.size >= KINDS_MAX) return false;
    seen.add(kind);
    return true;
  };
}
