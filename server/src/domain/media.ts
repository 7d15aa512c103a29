/** Media: the kind and the name of a file, as far as its URL shows them. Pure. */

export const MEDIA_KINDS = ['image', 'video', 'audio', 'document'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Extensions by kind; other extensions count as images. */
const EXTENSIONS: readonly (readonly [kind: MediaKind, extensions: RegExp])[] = [
  ['video', /\.(?:mp4|3gp|3gpp|mov|webm|m4v)$/i],
  ['audio', /\.(?:mp3|aac|amr|ogg|opus|m4a)$/i],
  ['document', /\.(?:pdf|docx?|xlsx?|pptx?|txt|csv|vcf|zip)$/i],
];

/** The kind of a file by the extension in its URL's path. */
export function mediaKindOf(url: string): MediaKind {
  const path = pathOf(url);
  return EXTENSIONS.find(([, extensions]) => extensions.test(path))?.[0] ?? 'image';
}

const NAME_LENGTH_MAX = 240;

/**
 * The visible name of a file: the last segment of its URL's path, percent-decoded, without characters that are invalid in
 * file names or change the writing direction. At most 240 UTF-16 units; a shortened name keeps its extension.
 */
export function mediaNameOf(url: string): string {
  const segment = pathOf(url).replace(/\/+$/, '').split('/').at(-1) ?? '';
  const decoded = decodeSegment(segment).split(/[/\\]/).at(-1) ?? '';
  const name = decoded
    .replaceAll(/[\p{Cc}\p{Cf}:*?"<>|]+/gu, ' ')
    .replace(/^[\s.]+/, '')
    .trimEnd();
  if (name === '') return 'document';
  if (name.length <= NAME_LENGTH_MAX) return name.toWellFormed();
  const extension = /\.[a-z0-9]{1,8}$/i.exec(name)?.[0] ?? '';
  const stem = name.slice(0, NAME_LENGTH_MAX - extension.length);
  return (stem.replace(/[\ud800-\udbff]$/, '') + extension).toWellFormed();
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/, 1)[0] ?? '');
}

/** Unchanged if its escapes are invalid. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
