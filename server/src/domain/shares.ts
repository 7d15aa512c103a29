/** Divides connections among nodes. */

/**
 * The number of `max` connections for each node, in the order of `wanted`: as even as possible, never more than a node
 * wants, the remainder to the first nodes. Every node gets the same result for the same numbers in the same order.
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
