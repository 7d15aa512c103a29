/** A tally of amounts, for each owner and in total. Owners with nothing take no memory. */
export class Tally<Owner> {
  readonly #byOwner = new Map<Owner, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Amounts by owner, without zeros. */
  get owners(): ReadonlyMap<Owner, number> {
    return this.#byOwner;
  }

  of(owner: Owner): number {
    return this.#byOwner.get(owner) ?? 0;
  }

  /** A negative amount is a return. */
  add(owner: Owner, amount: number): void {
    this.#total += amount;
    const own = this.of(owner) + amount;
    if (own === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, own);
  }
}
