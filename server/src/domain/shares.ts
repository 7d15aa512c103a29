/** Sharing a few connections among nodes. */

/**
 * How many of `max` connections each node gets, in the order of `wanted`: as evenly as they go, nobody more than it wants, what
 * does not divide to the first ones. The same on every node that asks with the same numbers in the same order.
 */
export function shareEvenly(max: number, wanted: readonly number[]): number[] {
  const shares = wanted.map(() => 0);
  let left = max;
  for (let given = true; given;) {
    given = false;
    for (const [i, want] of wanted.entries()) {
      const share = shares[i] ?? 0;
      if (left === 0 || share >= want) continue;
      shares[i] = share + 1;
      left -= 1;
      given = true;
    }
  }
  return shares;
}
