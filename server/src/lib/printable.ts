/**
 * Text of others for readers who take some characters for commands: terminals and whoever reads logs. Pure. Escaped is what
 * `domain/email-headers.ts` refuses where it comes in (a test holds the two together): control characters, what some take for the
 * end of a line, overrides of the direction of writing; and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Writes them as `\u001b`, so that JSON stays JSON, with the same values. */
export function escapeControls(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
