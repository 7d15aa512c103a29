/** The counters of an operation as a stacked bar, and as a legend with numbers. */
import type { Counter } from '../counters.ts';
import { MEANINGS } from '../counters.ts';
import { formatNumber, formatShare } from '../format.ts';

/** The bar has its numbers as a label for screen readers. */
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
          // Flex divides the width; the smallest count stays visible.
          style={{ flexGrow: count }}
        />
      ))}
    </div>
  );
}

/** All counters that are not zero, with their shares. */
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
