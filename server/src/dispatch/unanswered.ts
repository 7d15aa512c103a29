/** Messages of a batch that were submitted and have no answer yet. */
export class Unanswered {
  readonly #ordinals = new Set<number>();
  #wake: (() => void) | null = null;

  get ordinals(): number[] {
    return [...this.#ordinals];
  }

  add(ordinal: number): void {
    this.#ordinals.add(ordinal);
  }

  remove(ordinal: number): void {
    this.#ordinals.delete(ordinal);
    if (this.#ordinals.size === 0) this.#wake?.();
  }

  /** Resolves when all have an answer, or waiting is over. */
  async answered(abandoned: AbortSignal): Promise<void> {
    if (abandoned.aborted || this.#ordinals.size === 0) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        abandoned.removeEventListener('abort', wake);
        this.#wake = null;
        resolve();
      };
      this.#wake = wake;
      abandoned.addEventListener('abort', wake);
    });
  }
}
