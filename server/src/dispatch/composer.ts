/** Renders each message of a batch once, and collects messages that cannot be rendered. */
import { costOf, type RateUnit } from '../domain/rate-limit.ts';
import type { BatchMessage } from '../store/store.ts';
import { compose, type Composed, type DeliveryContext } from './deliver.ts';

export class Composer {
  readonly #messages: ReadonlyMap<number, BatchMessage>;
  readonly #context: DeliveryContext;
  readonly #composed = new Map<number, Composed>();
  readonly #onUnsendable: (ordinal: number, code: number) => void;

  /** `onUnsendable` is called for a message that cannot be sent at all, with the reason. */
  constructor(
    messages: ReadonlyMap<number, BatchMessage>,
    context: DeliveryContext,
    onUnsendable: (ordinal: number, code: number) => void,
  ) {
    this.#messages = messages;
    this.#context = context;
    this.#onUnsendable = onUnsendable;
  }

  /** A message ready to go; null when it cannot be sent. */
  compose(ordinal: number): Composed | null {
    const known = this.#composed.get(ordinal);
    if (known !== undefined) return known;
    const message = this.#messages.get(ordinal);
    if (message === undefined) return null;
    const composed = compose(message, this.#context);
    if (typeof composed === 'number') {
      this.#onUnsendable(ordinal, composed);
      return null;
    }
    this.#composed.set(ordinal, composed);
    return composed;
  }

  /** Units that a message costs; null when it cannot be sent. */
  costOf(ordinal: number, unit: RateUnit): number | null {
    const composed = this.compose(ordinal);
    return composed && costOf(unit, composed.submission.channel, composed.submission.text);
  }

  /** It was submitted. Rendering it again would give the same words. */
  forget(ordinal: number): void {
    this.#composed.delete(ordinal);
  }
}
