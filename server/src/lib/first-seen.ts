/**
 * Remembers where texts were seen first, in 24 bytes for each at most, whatever their length. Two texts count as the same when
 * 64 bits of their digests are equal: among a million, by a chance of one in thirty million.
 */
import { hash } from 'node:crypto';

const CAPACITY_MIN = 1_024;

export class FirstSeen {
  #high = new Uint32Array(CAPACITY_MIN);
  #low = new Uint32Array(CAPACITY_MIN);
  /** The number plus 1; 0 for a free place. */
  #numbers = new Uint32Array(CAPACITY_MIN);
  #size = 0;

  /** The number that the text was first seen with; undefined, and it is remembered with this number, for a new text. */
  add(text: string, number: number): number | undefined {
    const digest = hash('sha1', text, 'buffer');
    const high = digest.readUInt32LE(0);
    const low = digest.readUInt32LE(4);
    const place = this.#find(high, low);
    const known = this.#numbers[place] ?? 0;
    if (known > 0) return known - 1;
    this.#put(place, high, low, number + 1);
    this.#size += 1;
    if (this.#size * 2 > this.#numbers.length) this.#grow();
    return undefined;
  }

  /** The place of a digest, or the free place for it. */
  #find(high: number, low: number): number {
    const mask = this.#numbers.length - 1;
    let place = low & mask;
    while (this.#numbers[place] !== 0 && (this.#high[place] !== high || this.#low[place] !== low))
      place = (place + 1) & mask;
    return place;
  }

  #put(place: number, high: number, low: number, number: number): void {
    this.#high[place] = high;
    this.#low[place] = low;
    this.#numbers[place] = number;
  }

  #grow(): void {
    const [high, low, numbers] = [this.#high, this.#low, this.#numbers];
    const capacity = numbers.length * 2;
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#numbers = new Uint32Array(capacity);
    for (let i = 0; i < numbers.length; i += 1) {
      const number = numbers[i] ?? 0;
      if (number === 0) continue;
      const [h, l] = [high[i] ?? 0, low[i] ?? 0];
      this.#put(this.#find(h, l), h, l, number);
    }
  }
}
