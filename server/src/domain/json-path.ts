/** JSON paths (RFC 9535) as error messages name them. Pure. */

/** Characters of a name that are shown: a hostile one may have millions. */
const NAME_MAX = 60;

/** One step of a path (section 2.5): `[0]`, `.name`, or `["two words"]`. */
export function stepOf(name: string): string {
  if (/^\d{1,15}$/.test(name)) return `[${name}]`;
  const shown = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name;
  return /^[A-Za-z_]\w*$/.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}
