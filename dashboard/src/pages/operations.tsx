/** All operations, newest first, live: progress, rate and content. */
import { useState } from 'preact/hooks';
import type { ListOperationsQuery } from '@fanfare/client';
import { readDay as readDayInUtc } from '../../../server/src/domain/instant.ts';
import { client } from '../api.ts';
import { countersOf, doneOf, isLive, isOpen, type AnyOperation, type Kind } from '../counters.ts';
import { formatDuration, formatNumber, formatShort, plural } from '../format.ts';
import { useLoaded, usePageTokens, useSettled } from '../hooks.ts';
import { useRates, type Rate } from '../rates.ts';
import { changeQuery, linkTo, place } from '../router.ts';
import { StackedBar } from '../ui/bar.tsx';
import { Icon } from '../ui/icon.tsx';
import { LiveBadge } from '../ui/live-badge.tsx';
import { Empty, Field, Notice, PageHead, Pager, Shown, Tags, When } from '../ui/parts.tsx';

const PAGE_SIZE = 25;
/** Milliseconds between two reads, while operations change and while they do not. */
const BUSY_MS = 2_000;
const QUIET_MS = 8_000;

const STATUSES = ['SCHEDULED', 'PROCESSING', 'COMPLETED', 'CANCELED'] as const;

export function Operations() {
  const { query } = place.value;
  const kind: Kind = query.get('kind') === 'emails' ? 'emails' : 'messages';
  const filter = useSettled(query.toString(), 250);
  const pages = usePageTokens(filter);
  const [isMoving, setMoving] = useState(true);
  const loaded = useLoaded(
    `${filter} ${pages.token}`,
    async (signal) => {
      const list = await client[kind].listOperations(
        { ...readFilter(query), details: true, pageSize: PAGE_SIZE, pageToken: pages.token },
        { signal },
      );
      setMoving(list.operations.some(isLive));
      return list;
    },
    isMoving ? BUSY_MS : QUIET_MS,
  );
  const rateOf = useRates();
  const isFiltered = ['status', 'tags', 'from', 'to'].some((name) => query.has(name));

  return (
    <>
      <PageHead title="Operations">
        <LiveBadge at={loaded.at} error={loaded.error} />
        <a class="button main" href={linkTo(['compose'])}>
          <Icon name="send" /> Compose
        </a>
      </PageHead>
      <Filters kind={kind} />
      {loaded.error !== null && loaded.value !== null && <Notice tone="bad">{loaded.error}</Notice>}
      <Shown of={loaded} lines={8}>
        {({ operations, pagination }) => (
          <>
            {operations.length === 0 ? (
              <NoOperations isFiltered={isFiltered} />
            ) : (
              <ol class="operations">
                {operations.map((operation) => (
                  <Row
                    key={operation.id}
                    kind={kind}
                    operation={operation}
                    rate={rateOf(operation, loaded.at)}
                  />
                ))}
              </ol>
            )}
            <Pager pages={pages} next={pagination.next} count={operations.length} />
          </>
        )}
      </Shown>
    </>
  );
}

function readFilter(query: URLSearchParams): ListOperationsQuery {
  const [status, tags, from, to] = ['status', 'tags', 'from', 'to'].map((name) => query.get(name));
  return {
    status: STATUSES.find((each) => each === status),
    // An incomplete pair is not a filter yet.
    tags: tags && /^[^:;]+:[^:;]+(;[^:;]+:[^:;]+)*;?$/.test(tags) ? tags : undefined,
    startDate: from ? readDay(from) : undefined,
    endDate: to ? readDay(to, 1) : undefined,
  };
}

/** The start of a day on the clock of this browser, or of a day later. A day that does not exist stays text: the API refuses it. */
function readDay(text: string, later = 0): Date | string {
  if (readDayInUtc(text) === null) return text;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return new Date(year, month - 1, day + later);
}

function Filters({ kind }: { readonly kind: Kind }) {
  const { query } = place.value;
  const bind = (name: string) => ({
    value: query.get(name) ?? '',
    onInput: (event: Event) =>
      changeQuery({ [name]: (event.currentTarget as HTMLInputElement).value }),
  });
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter operations"
      onSubmit={(e) => e.preventDefault()}
    >
      <Field label="Kind">
        {(ids) => (
          <select
            {...ids}
            value={kind}
            onInput={(event) =>
              changeQuery({ kind: event.currentTarget.value === 'emails' ? 'emails' : undefined })
            }
          >
            <option value="messages">Messages</option>
            <option value="emails">E-mails</option>
          </select>
        )}
      </Field>
      <Field label="Status">
        {(ids) => (
          <select {...ids} {...bind('status')}>
            <option value="">Any</option>
            {STATUSES.map((status) => (
              <option key={status} value={status}>
                {status.slice(0, 1) + status.slice(1).toLowerCase()}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Tag" class="whole-row">
        {(ids) => (
          <input {...ids} {...bind('tags')} placeholder="campaign:spring" spellcheck={false} />
        )}
      </Field>
      <Field label="From">{(ids) => <input {...ids} {...bind('from')} type="date" />}</Field>
      <Field label="To">{(ids) => <input {...ids} {...bind('to')} type="date" />}</Field>
    </form>
  );
}

function NoOperations({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No operations match these filters.">
      <a href={linkTo(['operations'])}>Clear the filters</a>
    </Empty>
  ) : (
    <Empty title="No operations yet.">
      <p>
        An operation is one send, to any number of recipients. It appears here as soon as the server
        accepts it.
      </p>
      <a class="button main" href={linkTo(['compose'])}>
        Compose a message
      </a>
    </Empty>
  );
}

function Row(props: {
  readonly kind: Kind;
  readonly operation: AnyOperation;
  readonly rate: Rate | null;
}) {
  const { operation, kind } = props;
  const { details, stats } = operation;
  const to = linkTo(['operation', operation.id], kind === 'emails' ? { kind } : {});
  return (
    <li class="operation">
      <div class="operation-what">
        <a class="operation-link" href={to}>
          {details?.excerpt || 'No text'}
        </a>
        <p class="operation-facts">
          <When at={operation.createdAt} />
          <span>{plural(stats.recipients, 'recipient')}</span>
          {details && <Tags tags={details.tags} />}
        </p>
      </div>
      <div class="operation-how">
        <StackedBar counters={countersOf(operation)} />
        <p class="operation-facts">
          <Progress operation={operation} rate={props.rate} />
        </p>
      </div>
      <div class="operation-status">
        <OperationStatus operation={operation} />
      </div>
    </li>
  );
}

export function OperationStatus({ operation }: { readonly operation: AnyOperation }) {
  if (operation.pausedAt !== null && isOpen(operation))
    return (
      <span class="chip">
        <Icon name="pause" /> Paused
      </span>
    );
  const { status } = operation;
  const dots = {
    SCHEDULED: 'scheduled',
    PROCESSING: 'sent',
    COMPLETED: 'delivered',
    CANCELED: 'canceled',
  };
  return (
    <span class={`chip ${status === 'PROCESSING' ? 'moving' : ''}`}>
      <span class={`dot s-${dots[status]}`} aria-hidden="true" />
      {status.slice(0, 1) + status.slice(1).toLowerCase()}
    </span>
  );
}

/** The progress in words. */
function Progress({
  operation,
  rate,
}: {
  readonly operation: AnyOperation;
  readonly rate: Rate | null;
}) {
  const { stats, details } = operation;
  const bad = countersOf(operation)
    .filter(({ key }) => ['failed', 'undelivered', 'unaddressable'].includes(key))
    .reduce((sum, { count }) => sum + count, 0);
  const good = countersOf(operation)
    .filter(({ key }) => ['delivered', 'read'].includes(key))
    .reduce((sum, { count }) => sum + count, 0);
  const { scheduledFor } = details ?? {};
  return (
    <>
      {operation.status === 'SCHEDULED' && scheduledFor != null ? (
        <span>
          due <When at={scheduledFor} ago />
        </span>
      ) : (
        <span>
          <b>{formatNumber(operation.status === 'PROCESSING' ? doneOf(operation) : good)}</b>
          {operation.status === 'PROCESSING'
            ? ` of ${formatNumber(stats.total)} processed`
            : ' delivered'}
        </span>
      )}
      {bad > 0 && <span class="bad">{formatNumber(bad)} not delivered</span>}
      {operation.status === 'PROCESSING' && rate !== null && rate.perSecond > 0 && (
        <span>{formatShort(rate.perSecond)} /s</span>
      )}
      {operation.status === 'PROCESSING' && rate?.secondsLeft != null && (
        <span>{formatDuration(rate.secondsLeft)} left</span>
      )}
    </>
  );
}
