/** Recognises the first occurrence of something, so that it is logged once and not repeatedly. */

/** Maximum number of remembered kinds; further kinds count as seen. */
const KINDS_MAX = 1_000;

export function createFirstTime(): (kind: string) => boolean {
  const seen = new Set<string>();
  return (kind) => {
    if (seen.has(kind) || seen.size >= KINDS_MAX) return false;
    seen.add(kind);
    return true;
  };
}
