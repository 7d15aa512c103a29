/** The places of a million recipients, in 8 MB. Pure. */
import type { Place } from './problem.ts';

const LENGTH_FIRST = 4_096;

export class PlaceList {
  /** Line and row of each recipient, in turn. */
  #numbers: Uint32Array<ArrayBuffer>;
  #length: number;

  /** @param numbers as `toNumbers` returns them */
  constructor(numbers: Uint32Array<ArrayBuffer> = new Uint32Array()) {
    this.#numbers = numbers;
    this.#length = numbers.length / 2;
  }

  get length(): number {
    return this.#length;
  }

  add({ line, row }: Place): void {
    if (2 * this.#length === this.#numbers.length) {
      const longer = new Uint32Array(Math.max(2 * LENGTH_FIRST, 2 * this.#numbers.length));
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[2 * this.#length] = line;
    this.#numbers[2 * this.#length + 1] = row;
    this.#length += 1;
  }

  /** The place of a recipient, from 0; null if there is no such recipient. */
  at(index: number): Place | null {
    if (index >= this.#length) return null;
    return { line: this.#numbers[2 * index] ?? 0, row: this.#numbers[2 * index + 1] ?? 0 };
  }

  /** Line and row of each recipient, in turn. */
  toNumbers(): Uint32Array<ArrayBuffer> {
    return this.#numbers.slice(0, 2 * this.#length);
  }
}
