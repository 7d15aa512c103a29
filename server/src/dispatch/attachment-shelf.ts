/**
 * The files of e-mails during dispatch. They are read once for all running batches of an
 * operation, and kept for a while afterwards. Their total size is bounded: a batch whose files do
 * not fit waits until other batches finish.
 */
import type { EmailAttachment } from '../domain/email.ts';
import type { AttachmentNote } from '../domain/email-content.ts';

/** Maximum bytes of all files, except for one operation that alone has more. */
const BYTES_MAX = 67_108_864;

/** Files in use until they are released. */
export interface HeldFiles {
  readonly attachments: readonly EmailAttachment[];
  release(): void;
}

interface Place {
  readonly size: number;
  readonly files: Promise<readonly EmailAttachment[]>;
  users: number;
}

/** Reads the bytes of an operation's files, in the order of its content. */
export type ReadFiles = (accountId: number, operationId: string) => Promise<readonly Uint8Array[]>;

export class AttachmentShelf {
  readonly #read: ReadFiles;
  readonly #bytesMax: number;
  /** By operation, the longest unused first. */
  readonly #places = new Map<string, Place>();
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(read: ReadFiles, bytesMax = BYTES_MAX) {
    this.#read = read;
    this.#bytesMax = bytesMax;
  }

  /** Holds the files that a content names. Rejects when they cannot be read. */
  async hold(
    { accountId, operationId }: { readonly accountId: number; readonly operationId: string },
    notes: readonly AttachmentNote[],
  ): Promise<HeldFiles> {
    if (notes.length === 0) return { attachments: [], release: () => undefined };
    const size = notes.reduce((sum, note) => sum + note.size, 0);
    while (!this.#places.has(operationId) && !this.#makeRoom(size))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const place = this.#places.get(operationId) ?? {
      size,
      files: this.#readFiles(accountId, operationId, notes),
      users: 0,
    };
    if (!this.#places.has(operationId)) this.#bytes += size;
    // The last used stands last.
    this.#places.delete(operationId);
    this.#places.set(operationId, place);
    place.users += 1;
    const release = () => {
      place.users -= 1;
      for (const wake of this.#waiting.splice(0)) wake();
    };
    try {
      return { attachments: await place.files, release };
    } catch (error) {
      if (this.#places.get(operationId) === place) this.#remove(operationId, place);
      release();
      throw error;
    }
  }

  async #readFiles(
    accountId: number,
    operationId: string,
    notes: readonly AttachmentNote[],
  ): Promise<readonly EmailAttachment[]> {
    const files = await this.#read(accountId, operationId);
    return notes.map(({ filename, contentType }, i) => {
      const content = files[i];
      if (content === undefined)
        throw new Error(`Operation ${operationId} lacks its attachment ${i}.`);
      return { filename, contentType, content };
    });
  }

  /** Removes unused files until there is room; an empty shelf accepts anything. */
  #makeRoom(size: number): boolean {
    for (const [operationId, place] of this.#places) {
      if (this.#bytes + size <= this.#bytesMax) return true;
      if (place.users === 0) this.#remove(operationId, place);
    }
    return this.#places.size === 0 || this.#bytes + size <= this.#bytesMax;
  }

  #remove(operationId: string, place: Place): void {
    this.#places.delete(operationId);
    this.#bytes -= place.size;
  }
}
