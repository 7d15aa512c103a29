/** Attachments in requests: their problems and their bytes. Pure. */
import type { EmailAttachment } from './email.ts';

/** Attachments of one e-mail. */
export const ATTACHMENTS_MAX = 20;
/** Bytes of all of them together, decoded. */
export const ATTACHMENT_BYTES_MAX = 3_670_016;
const FILENAME_MAX = 255;
const MEDIA_TYPE_MAX = 255;

export interface RequestedAttachment {
  readonly filename: string;
  readonly contentType: string;
  /** Base64 (RFC 4648, section 4), with its padding and nothing else. */
  readonly content: string;
}

const TOKEN = '[A-Za-z0-9!#$&^_.+-]+';
/** RFC 6838, section 4.2, with parameters as RFC 2045 has them. */
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:; ?${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*"))*$`);
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[/\\\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Decodes the attachments, or returns the problems with their paths below `attachments`. */
export function readAttachments(requested: readonly RequestedAttachment[]): {
  readonly attachments: readonly EmailAttachment[];
  readonly problems: readonly { readonly path: string; readonly message: string }[];
} {
  const problems: { path: string; message: string }[] = [];
  const attachments: EmailAttachment[] = [];
  let size = 0;
  for (const [i, { filename, contentType, content }] of requested.entries()) {
    const add = (field: string, message: string) =>
      problems.push({ path: `[${i}].${field}`, message });
    if (!isFilename(filename))
      add(
        'filename',
        `A file's name has 1 to ${FILENAME_MAX} characters, no path and no control characters.`,
      );
    if (contentType.length > MEDIA_TYPE_MAX || !MEDIA_TYPE.test(contentType))
      add('contentType', 'Write a media type, such as application/pdf.');
    const bytes = decodeBase64(content);
    if (bytes === null) add('content', 'Must be base64 (RFC 4648), padded, in one line.');
    else {
      size += bytes.byteLength;
      attachments.push({ filename, contentType, content: bytes });
    }
  }
  if (size > ATTACHMENT_BYTES_MAX)
    problems.push({
      path: '',
      message: `All attachments together have at most ${ATTACHMENT_BYTES_MAX} bytes, not ${size}; link to large files instead.`,
    });
  return { attachments, problems };
}

function isFilename(name: string): boolean {
  return (
    name.length >= 1 &&
    name.length <= FILENAME_MAX &&
    name !== '.' &&
    name !== '..' &&
    !UNSAFE.test(name)
  );
}

/** Decoders skip invalid characters, so encoding the bytes must give the same text again. */
function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}
