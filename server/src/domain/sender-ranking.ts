/**
 * Sender ranking: the sender of a pool for an address, in O(log n) of their number. Pure.
 *
 * The senders of a channel form a tree by the hash of their addresses, one byte per level. At each node, weighted
 * rendezvous hashing (Thaler and Ravishankar 1998; weights after Schindelhauer and Schomaker 2005) chooses the branch with
 * the highest -weight / ln(hash). So the shares follow the weights. A sender that is added, removed or changed moves its
 * own share of the addresses, and at most the same again at each level that it shares: two levels for 10,000 senders.
 */
import type { PlannedSender } from './operation.ts';

/** Weight of a sender without a limit next to senders with one, in messages per second. */
const UNLIMITED_WEIGHT = 1_000;

/** Pools of up to a few hundred senders are almost flat: a removed sender moves only its own addresses. */
const BRANCH_BITS = 8;
const HASH_BITS = 32;

export interface SenderTree {
  /** The hash of an address is combined with this to rank the branch among its neighbours. */
  readonly id: number;
  /** Of all senders below. */
  readonly weight: number;
  /** None for a leaf. */
  readonly branches: readonly SenderTree[];
  /** Of a leaf: one sender, or all that share an address, the strongest first. */
  readonly senders: readonly PlannedSender[];
}

export function growSenderTree(senders: readonly PlannedSender[]): SenderTree {
  return grow(
    senders.map((sender) => ({ sender, hash: hash(sender.address) })),
    0,
    0,
  );
}

interface Hashed {
  readonly sender: PlannedSender;
  readonly hash: number;
}

function grow(all: readonly Hashed[], depth: number, id: number): SenderTree {
  const first = all[0]?.hash;
  if (all.every((each) => each.hash === first)) {
    const senders = all
      .map(({ sender }) => sender)
      .toSorted((one, other) => weightOf(other) - weightOf(one));
    return { id, weight: weightOf(senders[0]), branches: [], senders };
  }
  const groups = new Map<number, Hashed[]>();
  for (const each of all) {
    const branch = (each.hash >>> (HASH_BITS - BRANCH_BITS * (depth + 1))) % 2 ** BRANCH_BITS;
    const group = groups.get(branch);
    if (group === undefined) groups.set(branch, [each]);
    else group.push(each);
  }
  const branches = [...groups].map(([branch, group]) =>
    // A fixed place in the tree has a fixed id, whatever hangs there.
    grow(group, depth + 1, mix(id ^ (depth * 2 ** BRANCH_BITS + branch + 1))),
  );
  const weight = branches.reduce((sum, each) => sum + each.weight, 0);
  return { id, weight, branches, senders: [] };
}

function weightOf(sender: PlannedSender | undefined): number {
  return sender === undefined ? 0 : (sender.throughput ?? UNLIMITED_WEIGHT);
}

/** The best senders for an address, at most this many. Without the first sender, the others keep their order. */
export function rankSenders(tree: SenderTree, address: string, max: number): PlannedSender[] {
  const seed = hash(address);
  const ranked: PlannedSender[] = [];
  /** How many of a leaf's are ranked already. */
  const taken = new Map<SenderTree, number>();
  let spent: Spent | null = null;
  for (;;) {
    const path = walk(tree, seed, spent);
    const leaf = path.at(-1) ?? tree;
    const place = taken.get(leaf) ?? 0;
    const sender = leaf.senders[place];
    if (sender === undefined) return ranked;
    ranked.push(sender);
    if (ranked.length === max) return ranked;
    taken.set(leaf, place + 1);
    spent ??= new Map();
    const loss = weightOf(sender) - weightOf(leaf.senders[place + 1]);
    for (const each of path) spent.set(each, (spent.get(each) ?? 0) + loss);
    if (tree.weight <= (spent.get(tree) ?? 0)) return ranked;
  }
}

/** Weight of the ranked senders, at the nodes above them; null if there are none. */
type Spent = Map<SenderTree, number>;

/** From the root to the leaf that an address gets. */
function walk(tree: SenderTree, seed: number, spent: Spent | null): SenderTree[] {
  const path = [tree];
  let node = tree;
  while (node.branches.length > 0) {
    node = choose(node.branches, seed, spent);
    path.push(node);
  }
  return path;
}

/** The branch with the least -ln(hash) / weight. */
function choose(branches: readonly SenderTree[], seed: number, spent: Spent | null): SenderTree {
  let best = branches[0] as SenderTree;
  let least = Infinity;
  for (const branch of branches) {
    const weight = spent === null ? branch.weight : branch.weight - (spent.get(branch) ?? 0);
    const share = (mix(seed ^ branch.id) + 0.5) / 2 ** HASH_BITS;
    // 1 - x is never more than -ln(x), and most are too far off for the logarithm to matter.
    if (1 - share >= least * weight) continue;
    const score = -Math.log(share) / weight;
    if (score >= least) continue;
    best = branch;
    least = score;
  }
  return best;
}

/** FNV-1a of a text, then a mix of its bits: 32 bits, unsigned. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1)
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return mix(value);
}

/** The finalizer of MurmurHash3 (Appleby 2011), to the same effect. */
function mix(bits: number): number {
  let value = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
