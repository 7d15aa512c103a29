/** Icons. They have no meaning of their own: text or a label is always next to them. */

const PATHS = {
  alert: 'M8 2 1.500 13.500h13zM8 6.500v3.500M8 11.800v.2',
  check: 'm3 8.500 3.200 3.200L13 4.800',
  close: 'm4 4 8 8M12 4l-8 8',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  info: 'M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800M8 7.300v3.700M8 4.900v.2',
  left: 'm10 3.500-4.500 4.500 4.500 4.500',
  menu: 'M2.500 4.500h11M2.500 8h11M2.500 11.500h11',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  play: 'M5 3.200v9.600L12.500 8z',
  right: 'm6 3.500 4.500 4.500L6 12.500',
  download: 'M8 2.500v7.500m-3-3 3 3 3-3M3 13.500h10',
  again: 'M13 8a5 5 0 1 1-1.600-3.700M13 2.500v2.800h-2.800',
  send: 'M2.500 8 13.500 2.800 10.800 13.500 7.800 9zM7.800 9l5.700-6.200',
  plus: 'M8 3v10M3 8h10',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
