/** Shows whether the numbers are live, and their time if they are not. */
import { connection } from '../connection.ts';
import { formatTime } from '../format.ts';

/** `at`: the time of the numbers. `isOver`: the numbers no longer change. */
export function LiveBadge(props: {
  readonly at: Date | null;
  readonly error?: string | null;
  readonly isOver?: boolean;
}) {
  const { isUp, heardAt } = connection.value;
  const at = props.at ?? heardAt;
  if (props.isOver === true && isUp)
    return (
      <p class="live over">
        <span class="dot" aria-hidden="true" /> Final
      </p>
    );
  if (isUp && !props.error)
    return (
      <p class="live">
        <span class="dot" aria-hidden="true" /> Live
      </p>
    );
  return (
    <p class="live lost" role="status">
      <span class="dot" aria-hidden="true" />
      {navigator.onLine ? 'Reconnecting' : 'Offline'}
      {at !== null && `. Numbers are from ${formatTime(at)}`}
    </p>
  );
}
