/** JSON paths (RFC 9535) in error messages. Pure. */

/** Maximum length of a name in a path: a hostile name may have millions of characters. */
const NAME_MAX = 60;

/** One step of a path (section 2.5): `[0]`, `.name`, or `["two words"]`. */
export function stepOf(name: string): string {
  if (/^\d{1,15}$/.test(name)) return `[${name}]`;
  const shown = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name;
  return /^[A-Za-z_]\w*$/.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}
