/**
 * Escapes text from others for terminals and log readers, which take some characters for commands. Pure. It escapes the
 * characters that `domain/email-headers.ts` refuses in input (a test compares the two): control characters, possible line
 * ends, overrides of the writing direction. It also escapes lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Writes them as `\u001b`, so that JSON stays JSON, with the same values. */
export function escapeControls(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
