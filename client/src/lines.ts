/**
 * Bodies of streamed requests: lines of JSON, of which the first is the request without `to`, and each other one a recipient.
 * A body takes as much memory for a million recipients as for ten thousand.
 */

/** Anything that recipients can be read from. A function makes it anew for each try. */
export type Recipients<Recipient> =
  | Iterable<Recipient>
  | AsyncIterable<Recipient>
  | (() => Iterable<Recipient> | AsyncIterable<Recipient>);

/** How a body reports its state to its request. */
export interface BodyWatch {
  /** The body waits for its source, which may take any time. */
  onSource(): void;
  /** A part was made, and waits for being taken. */
  onPart(): void;
}

/** A body that is read while it is sent. */
export interface LinesBody {
  /** Whether it can be opened again, so that the request can be repeated. */
  readonly isRepeatable: boolean;
  readonly isPacked: boolean;
  /** What its source has thrown; undefined while it has not. */
  readonly failure: unknown;
  open(watch: BodyWatch): ReadableStream<Uint8Array<ArrayBuffer>> | Blob;
}

/** Characters of a part, about. */
const PART_LENGTH = 65_536;

/** A body that is made while it is sent. */
abstract class Flowing {
  #failure: unknown = undefined;

  get failure(): unknown {
    return this.#failure;
  }

  protected flow(
    parts: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>,
    watch: BodyWatch,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          watch.onSource();
          try {
            const { done, value } = await parts.next();
            if (done === true) controller.close();
            else controller.enqueue(value);
          } catch (error) {
            this.#failure = error;
            throw error;
          } finally {
            watch.onPart();
          }
        },
        cancel: async () => {
          await parts.return();
        },
      },
      // Nothing is read before it is wanted.
      { highWaterMark: 0 },
    );
  }
}

/** The lines of recipients. */
export class RecipientLines extends Flowing implements LinesBody {
  readonly isRepeatable: boolean;
  readonly isPacked: boolean;
  readonly #head: string;
  readonly #to: Recipients<unknown>;
  readonly #onProgress: (recipients: number, isWhole: boolean) => void;

  /** @param onProgress is called with the number of recipients in all parts so far, and whether these are all */
  constructor(
    { to, ...head }: { readonly to: Recipients<unknown> },
    isPacked: boolean,
    onProgress: (recipients: number, isWhole: boolean) => void,
  ) {
    super();
    this.#head = JSON.stringify(head);
    this.#to = to;
    this.#onProgress = onProgress;
    this.isPacked = isPacked;
    this.isRepeatable = Array.isArray(to) || typeof to === 'function';
  }

  open(watch: BodyWatch): ReadableStream<Uint8Array<ArrayBuffer>> {
    const to = typeof this.#to === 'function' ? this.#to() : this.#to;
    const lines = this.flow(this.#encode(to), watch);
    return this.isPacked ? pack(lines) : lines;
  }

  async *#encode(
    to: Iterable<unknown> | AsyncIterable<unknown>,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const encoder = new TextEncoder();
    let text = `${this.#head}\n`;
    let count = 0;
    const take = (each: unknown): Uint8Array<ArrayBuffer> | null => {
      text += `${JSON.stringify(each)}\n`;
      count += 1;
      if (text.length < PART_LENGTH) return null;
      this.#onProgress(count, false);
      const part = encoder.encode(text);
      text = '';
      return part;
    };
    // A pause for each recipient of a list would take longer than its line.
    if (Symbol.asyncIterator in to)
      for await (const each of to) {
        const part = take(each);
        if (part !== null) yield part;
      }
    else
      for (const each of to) {
        const part = take(each);
        if (part !== null) yield part;
      }
    this.#onProgress(count, true);
    if (text !== '') yield encoder.encode(text);
  }
}

/** Lines that are ready. */
export class ReadyLines extends Flowing implements LinesBody {
  readonly isRepeatable: boolean;
  readonly isPacked: boolean;
  readonly #body: Blob | ReadableStream<Uint8Array<ArrayBuffer>>;

  constructor(body: Blob | ReadableStream<Uint8Array<ArrayBuffer>>, isPacked: boolean) {
    super();
    this.#body = body;
    this.isPacked = isPacked;
    this.isRepeatable = body instanceof Blob;
  }

  open(watch: BodyWatch): Blob | ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#body instanceof Blob) return this.#body;
    return this.flow(partsOf(this.#body), watch);
  }
}

/** Not every runtime can iterate a stream. */
async function* partsOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function pack(
  lines: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return lines.pipeThrough(
    new CompressionStream('gzip') as unknown as TransformStream<
      Uint8Array<ArrayBuffer>,
      Uint8Array<ArrayBuffer>
    >,
  );
}

/** The values of an answer in lines of JSON. The last one is not parsed when the answer breaks off within it. */
export async function* readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let left = '';
  for await (const part of partsOf(stream)) {
    const lines = (left + decoder.decode(part, { stream: true })).split('\n');
    left = lines.pop() ?? '';
    yield* lines;
  }
  if (left !== '') yield left;
}

/**
 * Which recipient of a request a place in it is about, from 0: `$.to[17].address` and `line 19: $.address` are both 17. Null
 * for other places.
 */
export function indexOfRecipient(context: string): number | null {
  const [, index, line] = /^(?:\$\.to\[(\d+)\]|line (\d+)\b)/.exec(context) ?? [];
  if (index !== undefined) return Number(index);
  return line === undefined || Number(line) < 2 ? null : Number(line) - 2;
}
