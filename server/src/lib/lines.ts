/** Splits bytes into lines that end with LF. A line may come in many pieces. */

const LF = 0x0a;

export class LineSplitter {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;

  /** @param bytesMax of one line, without its end */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether a line is longer than it may be. The lines after it are not returned. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The lines that end in these bytes, without their ends. The remainder is kept, as a copy. */
  push(bytes: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0 && !this.#isOver; end = bytes.indexOf(LF, start)) {
      const line = this.#join(bytes.subarray(start, end));
      if (line !== null) lines.push(line);
      start = end + 1;
    }
    if (start < bytes.length && this.#fits(bytes.length - start))
      this.#pieces.push(bytes.slice(start));
    return lines;
  }

  /** The last line, if it has no end; null without one. */
  finish(): Uint8Array | null {
    return this.#bytes === 0 ? null : this.#join(new Uint8Array());
  }

  #join(last: Uint8Array): Uint8Array | null {
    if (!this.#fits(last.length)) return null;
    const line = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }

  #fits(more: number): boolean {
    this.#bytes += more;
    if (this.#bytes <= this.#bytesMax) return true;
    this.#isOver = true;
    this.#pieces = [];
    return false;
  }
}
