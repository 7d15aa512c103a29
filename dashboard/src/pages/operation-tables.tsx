/** Outcomes of an operation by sender, and its errors by code. */
import type { OperationReport } from '@fanfare/client';
import {
  countersOf,
  type AnyOperation,
  type Counter,
  type Kind,
  type StatusKey,
} from '../counters.ts';
import { formatNumber, formatShare } from '../format.ts';
import { linkTo } from '../router.ts';
import { StackedBar } from '../ui/bar.tsx';

type Senders = OperationReport['senders'];

export function SenderTable({ senders }: { readonly senders: Senders }) {
  if (senders.length === 0) return <p class="muted">No messages yet.</p>;
  return (
    <table class="compact">
      <thead>
        <tr>
          <th scope="col">Sender</th>
          <th scope="col">Outcome</th>
          <th scope="col" class="number">
            Messages
          </th>
          <th scope="col" class="number">
            Delivered
          </th>
        </tr>
      </thead>
      <tbody>
        {senders.map((sender) => (
          <tr key={`${sender.channel} ${sender.address}`}>
            <th scope="row">
              <span class="channel">{sender.channel}</span>{' '}
              <span class="breakable">{sender.address}</span>
              <span class="under">{sender.carrier}</span>
            </th>
            <td class="bar-cell">
              <StackedBar counters={countersOfSender(sender)} />
            </td>
            <td class="number">{formatNumber(sender.total)}</td>
            <td class="number">{formatShare(reachedBy(sender), sender.total)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const NO_STATS = countersOf({
  stats: {
    total: 0,
    recipients: 0,
    attempts: 0,
    unaddressable: 0,
    scheduled: 0,
    queued: 0,
    sent: 0,
    delivered: 0,
    read: 0,
    undelivered: 0,
    failed: 0,
    canceled: 0,
  },
} as AnyOperation);

function countersOfSender({ statuses }: Senders[number]): Counter[] {
  const counts = new Map<StatusKey, number>(
    statuses.map(({ status, count }) => [status.toLowerCase() as StatusKey, count]),
  );
  return NO_STATS.map((counter) => ({ ...counter, count: counts.get(counter.key) ?? 0 }));
}

function reachedBy({ statuses }: Senders[number]): number {
  return statuses
    .filter(({ status }) => status === 'DELIVERED' || status === 'READ')
    .reduce((sum, { count }) => sum + count, 0);
}

export function Errors(props: { readonly errors: OperationReport['errors']; readonly kind: Kind }) {
  const { errors, kind } = props;
  if (errors.length === 0) return <p class="muted">No errors so far.</p>;
  const query = kind === 'emails' ? { kind } : {};
  return (
    <ul class="errors">
      {errors.map((error) => (
        <li key={error.code}>
          <p class="error-head">
            <span class="figure">{formatNumber(error.count)}</span>
            <span>
              {error.message} <a href={error.infoUrl}>{error.code}</a>
            </span>
          </p>
          {error.detail !== null && error.detail !== error.message && (
            <p class="muted">Carrier response: “{error.detail}”</p>
          )}
          {error.advice !== null && <p class="muted">{error.advice}</p>}
          <p class="examples">
            <span class="muted">Examples:</span>
            {error.examples.map(({ messageId, address }) =>
              messageId === null ? (
                <span key={address} class="mono">
                  {address}
                </span>
              ) : (
                <a key={address} class="mono" href={linkTo(['message', messageId], query)}>
                  {address}
                </a>
              ),
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
