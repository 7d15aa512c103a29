/**
 * Decodes the bytes of a list: UTF-8, UTF-16 with a byte order mark, and other encodings on request. Files that are not
 * text are refused by their first bytes. No byte is ever replaced by U+FFFD (WHATWG Encoding, 6). Pure; Node and browsers.
 */
import { ListError, type Place } from './problem.ts';

/** Number of bytes that decide about the type of a file. */
const HEAD_BYTES = 4_096;

/** Encodings to choose from, as names of `TextDecoder` with labels. */
export const ENCODINGS: readonly (readonly [label: string, words: string])[] = [
  ['utf-8', 'UTF-8'],
  ['windows-1252', 'Western European (Windows-1252, ISO 8859-1)'],
  ['windows-1250', 'Central European (Windows-1250)'],
  ['windows-1251', 'Cyrillic (Windows-1251)'],
  ['windows-1253', 'Greek (Windows-1253)'],
  ['windows-1254', 'Turkish (Windows-1254)'],
  ['windows-1255', 'Hebrew (Windows-1255)'],
  ['windows-1256', 'Arabic (Windows-1256)'],
  ['windows-1257', 'Baltic (Windows-1257)'],
  ['iso-8859-2', 'Central European (ISO 8859-2)'],
  ['iso-8859-15', 'Western European (ISO 8859-15)'],
  ['macintosh', 'Western European (Macintosh)'],
  ['shift_jis', 'Japanese (Shift JIS)'],
  ['gb18030', 'Chinese (GB 18030)'],
  ['big5', 'Chinese (Big5)'],
  ['euc-kr', 'Korean (EUC-KR)'],
  ['utf-16le', 'UTF-16 LE'],
  ['utf-16be', 'UTF-16 BE'],
];

/** The name of an encoding; null if it is unknown. */
export function findEncoding(label: string): string | null {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

const AS_CSV = 'save the sheet as CSV, and give that file.';

// Their first bytes are control characters.
/* oxlint-disable no-control-regex */
/** First bytes of files that are not text, with advice. */
const FORMATS: readonly (readonly [begins: RegExp, is: string])[] = [
  [
    /^PK[\x03-\x08][^]*opendocument\.spreadsheet/,
    `This is an OpenDocument spreadsheet (.ods): ${AS_CSV}`,
  ],
  [
    /^PK[\x03-\x08][^]*(\[Content_Types\]|xl\/|_rels\/)/,
    `This is an Excel workbook (.xlsx): ${AS_CSV}`,
  ],
  [
    /^PK[\x03-\x08]/,
    'This is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV.',
  ],
  [/^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, `This is an Excel workbook (.xls): ${AS_CSV}`],
  [/^%PDF-/, 'This is a PDF: export the list as CSV from where it came.'],
  [/^\x1f\x8b/, 'This is a gzip archive: unpack it.'],
  [/^(7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd)/, 'This is an archive: unpack it.'],
  [/^\{\\rtf/, 'This is an RTF document: save the list as CSV.'],
  [/^(\xff\xfe\0\0|\0\0\xfe\xff)/, 'This is UTF-32, which is not read: save it as UTF-8.'],
  [
    /^(\x89PNG|\xff\xd8\xff|GIF8|SQLite format 3\0|PAR1)/,
    'This is no text: give a CSV or NDJSON file.',
  ],
  [
    /^(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|table|meta|\?xml|!--)/i,
    `This is an HTML or XML page, whatever its name says: open it in a spreadsheet, ${AS_CSV}`,
  ],
];
/* oxlint-enable no-control-regex */

const MARKS: readonly (readonly [bytes: string, encoding: string])[] = [
  ['\xef\xbb\xbf', 'utf-8'],
  ['\xff\xfe', 'utf-16le'],
  ['\xfe\xff', 'utf-16be'],
];

/** The text of a list in chunks, without byte order mark. `asked` null: UTF-8, or as the mark says. @throws ListError */
export async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  asked: string | null,
): AsyncGenerator<string, void, undefined> {
  let decoder: PieceDecoder | null = null;
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of bytes) {
    if (decoder !== null) yield decoder.decode(chunk);
    else {
      held = join(held, chunk);
      if (held.length < HEAD_BYTES) continue;
      decoder = begin(held, asked);
      yield decoder.decode(held);
    }
  }
  if (decoder === null) {
    decoder = begin(held, asked);
    yield decoder.decode(held);
  }
  yield decoder.end();
}

function join(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}

/** Detects the type of a file by its first bytes. */
function begin(head: Uint8Array, asked: string | null): PieceDecoder {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  const format = FORMATS.find(([begins]) => begins.test(text));
  if (format !== undefined) throw new ListError(format[1]);
  const marked = MARKS.find(([mark]) => text.startsWith(mark))?.[1] ?? null;
  if (marked !== null && asked !== null && marked !== asked)
    throw new ListError(
      `It begins with the byte order mark of ${marked.toUpperCase()}, but ${asked} was chosen. Choose none.`,
    );
  const encoding = asked ?? marked ?? 'utf-8';
  if (!encoding.startsWith('utf-16') && text.includes('\0')) {
    // Letters of Europe have a zero byte in each unit.
    const zeros = [0, 1].map(
      (odd) => [...text].filter((c, i) => c === '\0' && i % 2 === odd).length,
    );
    const [even = 0, odd = 0] = zeros;
    if (Math.max(even, odd) > text.length / 8 && Math.min(even, odd) < Math.max(even, odd) / 4)
      throw new ListError(
        `It looks like ${odd > even ? 'UTF-16LE' : 'UTF-16BE'} without a byte order mark.`,
        null,
        'encoding',
      );
  }
  return new PieceDecoder(encoding);
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
/** Their letters may be UTF-8 by chance, but hardly this many. */
const OF_SEVERAL_BYTES: ReadonlySet<string> = new Set([
  'shift_jis',
  'gb18030',
  'gbk',
  'big5',
  'euc-kr',
  'euc-jp',
]);
const CHANCE_MAX = 10;

/** Decodes chunk by chunk; a character may be split between two chunks. */
class PieceDecoder {
  readonly #encoding: string;
  /** True until the first letter beyond ASCII: it shows whether the bytes are UTF-8 although another encoding was chosen. */
  #isOpen: boolean;
  /** Octets that may begin a letter of UTF-8. */
  #cut: Uint8Array = new Uint8Array(0);
  readonly #decoder: InstanceType<typeof TextDecoder>;
  /** Line of the next character. */
  #line = 1;
  #endedInReturn = false;
  #left: Uint8Array = new Uint8Array(0);

  constructor(encoding: string) {
    this.#encoding = encoding;
    this.#isOpen = !encoding.startsWith('utf-');
    this.#decoder = new TextDecoder(encoding, { fatal: true });
  }

  decode(chunk: Uint8Array): string {
    if (this.#isOpen) this.#refuseUtf8(chunk);
    if (this.#encoding !== 'utf-8')
      return this.#take(() => this.#decoder.decode(chunk, { stream: true }), chunk);
    // Whole characters only, so that a wrong byte is found in its own chunk.
    const bytes = join(this.#left, chunk);
    const end = endOfWhole(bytes);
    this.#left = bytes.slice(end);
    return this.#take(() => this.#decoder.decode(bytes.subarray(0, end), { stream: true }), bytes);
  }

  end(): string {
    const left = this.#left;
    return this.#take(() => this.#decoder.decode(left), left);
  }

  /** Earlier chunks had ASCII only, which is the same in both. @throws ListError */
  #refuseUtf8(piece: Uint8Array): void {
    const bytes = join(this.#cut, piece);
    const end = endOfWhole(bytes);
    this.#cut = bytes.slice(end);
    let text: string;
    try {
      text = UTF_8.decode(bytes.subarray(0, end));
    } catch {
      this.#isOpen = false;
      return;
    }
    const foreign = /[^\0-\x7f]/u.exec(text);
    if (foreign === null) return;
    this.#isOpen = false;
    const { length } = [...text.matchAll(/[^\0-\x7f]/gu)];
    if (length < (OF_SEVERAL_BYTES.has(this.#encoding) ? CHANCE_MAX : 1)) return;
    this.#count(text.slice(0, foreign.index));
    throw new ListError(
      `The bytes are UTF-8, but ${this.#encoding} was chosen, in which other letters would stand there. Choose no encoding.`,
      this.#place(),
    );
  }

  #take(read: () => string, bytes: Uint8Array): string {
    let text: string;
    try {
      text = read();
    } catch {
      throw this.#refuse(bytes);
    }
    const zero = text.indexOf('\0');
    if (zero >= 0) {
      this.#count(text.slice(0, zero));
      throw new ListError(
        'There is a NUL byte: this is no text, or it was damaged.',
        this.#place(),
      );
    }
    this.#count(text);
    return text;
  }

  /** Where the first wrong byte is: the end of the longest beginning that can be read. */
  #refuse(bytes: Uint8Array): ListError {
    let [good, bad] = [0, bytes.length];
    const canRead = (length: number) => {
      try {
        this.#readAnew(bytes.subarray(0, length));
        return true;
      } catch {
        return false;
      }
    };
    while (bad - good > 1) {
      const middle = (good + bad) >> 1;
      if (canRead(middle)) good = middle;
      else bad = middle;
    }
    this.#count(this.#readAnew(bytes.subarray(0, good)));
    const name = this.#encoding.toUpperCase();
    return new ListError(`The bytes are not ${name}.`, this.#place(), 'encoding');
  }

  #readAnew(bytes: Uint8Array): string {
    return new TextDecoder(this.#encoding, { fatal: true }).decode(bytes, { stream: true });
  }

  /** A spreadsheet's row is not known here; the line finds it. */
  #place(): Place {
    return { line: this.#line, row: this.#line };
  }

  #count(text: string): void {
    const [lines, endsInReturn] = countLineBreaks(text, this.#endedInReturn);
    this.#line += lines;
    this.#endedInReturn = endsInReturn;
  }
}

/** Line breaks (CRLF, LF, CR) of a text, and whether it ends in CR, whose LF may be the next character. */
export function countLineBreaks(
  text: string,
  afterReturn = false,
): [count: number, endsInReturn: boolean] {
  let count = 0;
  let isAfterReturn = afterReturn;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (char === 13 || (char === 10 && !isAfterReturn)) count += 1;
    isAfterReturn = char === 13;
  }
  return [count, isAfterReturn];
}

/** Where the last whole character of UTF-8 ends. */
function endOfWhole(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= Math.min(4, length); back += 1) {
    const byte = bytes[length - back] ?? 0;
    if (byte < 0x80) return length;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return size > back ? length - back : length;
  }
  return length;
}
