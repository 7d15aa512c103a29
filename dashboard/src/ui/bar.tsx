/** The counters of an operation as a stacked bar, and as the numbers that it is made of. */
import type { Counter } from '../counters.ts';
import { MEANINGS } from '../counters.ts';
import { formatNumber, formatShare } from '../format.ts';

/** A bar says its numbers to those who do not see it. */
export function StackedBar(props: {
  readonly counters: readonly Counter[];
  readonly size?: 'small' | 'large';
}) {
  const shown = props.counters.filter(({ count }) => count > 0);
  const whole = shown.reduce((sum, { count }) => sum + count, 0);
  const words = shown.map(({ label, count }) => `${formatNumber(count)} ${label.toLowerCase()}`);
  return (
    <div
      class={`bar ${props.size ?? 'small'}`}
      role="img"
      aria-label={whole === 0 ? 'No messages' : words.join(', ')}
    >
      {props.counters.map(({ key, count }) => (
        <span
          key={key}
          class={`s-${key}`}
          hidden={count === 0}
          // Flex shares the room, and the smallest count keeps a line of its own.
          style={{ flexGrow: count }}
        />
      ))}
    </div>
  );
}

/** Every counter that counts something, with its share. */
export function Legend(props: {
  readonly counters: readonly Counter[];
  readonly onChoose?: (counter: Counter) => void;
}) {
  const whole = props.counters.reduce((sum, { count }) => sum + count, 0);
  return (
    <dl class="legend">
      {props.counters
        .filter(({ key, count }) => count > 0 || ['delivered', 'failed', 'queued'].includes(key))
        .map((counter) => (
          <div key={counter.key} title={MEANINGS[counter.key]}>
            <dt>
              <span class={`swatch s-${counter.key}`} aria-hidden="true" />
              {counter.label}
            </dt>
            <dd>
              <span class="figure">{formatNumber(counter.count)}</span>
              <span class="share">{formatShare(counter.count, whole)}</span>
            </dd>
          </div>
        ))}
    </dl>
  );
}
