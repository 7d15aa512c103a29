/** The current place in the dashboard: the part of the URL after `#`, which the server never sees. */
import { signal } from '@preact/signals';

export interface Place {
  /** Steps of the path, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function readPlace(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const steps = path.split('/').filter((step) => step !== '');
  return { path: steps.map(decode), query: new URLSearchParams(query) };
}

/** A step with an invalid percent-encoding is kept as it is: no page has that name. */
function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

export const place = signal(readPlace());
addEventListener('hashchange', () => {
  place.value = readPlace();
});

/** The URL of a place. Query parameters without a value are omitted. */
export function linkTo(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parts.set(name, value);
  return `#/${path.map(encodeURIComponent).join('/')}${parts.size === 0 ? '' : `?${parts}`}`;
}

export function goTo(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): void {
  location.hash = linkTo(path, query);
}

/** Changes the query of the current place, without a step in the history. */
export function changeQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = place.value;
  const all = { ...Object.fromEntries(query), ...changes };
  history.replaceState(null, '', linkTo(path, all));
  place.value = readPlace();
}
