/** One operation, live: progress, rate, senders, errors and messages. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { OperationReport } from '@fanfare/client';
import { client } from '../api.ts';
import { connection } from '../connection.ts';
import {
  countersOf,
  doneOf,
  isLive,
  isOpen,
  statusLabel,
  type AnyOperation,
  type Kind,
} from '../counters.ts';
import { formatDuration, formatNumber, formatShort, formatTime, plural } from '../format.ts';
import { useFollowed, useLoaded } from '../hooks.ts';
import { useRates } from '../rates.ts';
import { linkTo, place } from '../router.ts';
import { Legend, StackedBar } from '../ui/bar.tsx';
import { LiveBadge } from '../ui/live-badge.tsx';
import {
  Announcement,
  Copyable,
  Empty,
  Loading,
  Notice,
  PageHead,
  Section,
  Shown,
  Tags,
  When,
} from '../ui/parts.tsx';
import { Actions } from './operation-actions.tsx';
import { OperationMessages } from './operation-messages.tsx';
import { Errors, SenderTable } from './operation-tables.tsx';
import { OperationStatus } from './operations.tsx';

/** A completed operation is followed for as long as its page may be open. */
const QUIET_MS = 20 * 24 * 3_600_000;
const REPORT_MS = 2_000;

export function OperationPage({ id }: { readonly id: string }) {
  const kind: Kind = place.value.query.get('kind') === 'emails' ? 'emails' : 'messages';
  const followed = useFollowed<AnyOperation>(id, (signal) =>
    client[kind].watchOperation(id, { signal, quietMs: QUIET_MS }),
  );
  const [read, setRead] = useState<AnyOperation | null>(null);
  const operation = latestOf(followed.value, read);
  const mayChange = operation === null || isLive(operation);
  const report = useLoaded<OperationReport>(
    `${id} ${mayChange}`,
    async (signal) => {
      const [latest, now] = await Promise.all([
        client[kind].fetchReport(id, { signal }),
        client[kind].fetchOperation(id, { signal }),
      ]);
      setRead(now);
      return latest;
    },
    mayChange ? REPORT_MS : null,
  );
  // The earlier report stays on the page while the final one loads.
  const shown = useRef<OperationReport | null>(null);
  shown.current = report.value ?? shown.current;

  if (operation === null)
    return (
      <>
        <PageHead title="Operation" above={<BackLink />} />
        {followed.error === null ? (
          <Loading lines={8} />
        ) : (
          <Empty title="This operation cannot be shown.">
            <p>{followed.error}</p>
          </Empty>
        )}
      </>
    );
  return (
    <>
      <PageHead
        title={shown.current?.excerpt || 'Operation'}
        heading={<span class="excerpt">{shown.current?.excerpt || 'Operation'}</span>}
        above={<BackLink />}
      >
        <LiveBadge at={null} error={followed.error} isOver={followed.isOver && !mayChange} />
      </PageHead>
      <div class="facts-row">
        <Facts operation={operation} report={shown.current} />
        <Actions kind={kind} operation={operation} onChange={setRead} />
      </div>
      <Progress operation={operation} />
      <Section title="Throughput and delivery time" class="over-time">
        <OverTime report={shown.current} error={report.error} isLive={mayChange} />
      </Section>
      <div class="columns">
        <Section title="Channels and senders">
          <Shown of={{ ...report, value: shown.current }}>
            {({ senders }) => <SenderTable senders={senders} />}
          </Shown>
        </Section>
        <Section title="Errors">
          <Shown of={{ ...report, value: shown.current }}>
            {({ errors }) => <Errors errors={errors} kind={kind} />}
          </Shown>
        </Section>
      </div>
      <OperationMessages kind={kind} operation={operation} />
    </>
  );
}

/** The newest counters. The stream reports changed counters but no pauses, so `read` adds those. */
function latestOf(streamed: AnyOperation | null, read: AnyOperation | null): AnyOperation | null {
  if (streamed === null || read === null) return streamed ?? read;
  const newest = read.revision > streamed.revision ? read : streamed;
  return { ...newest, pausedAt: read.pausedAt };
}

function BackLink() {
  return (
    <a class="back" href={linkTo(['operations'])}>
      Operations
    </a>
  );
}

function Facts(props: {
  readonly operation: AnyOperation;
  readonly report: OperationReport | null;
}) {
  const { operation, report } = props;
  return (
    <div class="facts">
      <OperationStatus operation={operation} />
      <span>
        accepted <When at={operation.createdAt} />
      </span>
      {report?.scheduledFor != null && (
        <span>
          scheduled for <When at={report.scheduledFor} />
        </span>
      )}
      {report?.expireAt != null && (
        <span>
          expires <When at={report.expireAt} />
        </span>
      )}
      {report && <Tags tags={report.tags} />}
      <Copyable text={operation.id} what="the operation ID" />
    </div>
  );
}

function Progress({ operation }: { readonly operation: AnyOperation }) {
  const rateOf = useRates();
  const rate = rateOf(operation, operation.updatedAt);
  const counters = countersOf(operation);
  const { stats } = operation;
  const done = doneOf(operation);
  const isMoving = operation.status === 'PROCESSING' && operation.pausedAt === null;
  return (
    <section class="progress" aria-label="Progress">
      <div class="progress-head">
        <p class="big">
          <span class="figure">{formatNumber(done)}</span>
          <span class="of">of {formatNumber(stats.total)} processed</span>
        </p>
        <dl class="gauges">
          {isMoving && (
            <div>
              <dt>Rate</dt>
              <dd>{rate === null ? '…' : `${formatShort(Math.max(0, rate.perSecond))} /s`}</dd>
            </div>
          )}
          {isMoving && (
            <div>
              <dt>Time left</dt>
              <dd>{rate?.secondsLeft == null ? '…' : formatDuration(rate.secondsLeft)}</dd>
            </div>
          )}
          <div>
            <dt>Attempts</dt>
            <dd>{formatNumber(stats.attempts)}</dd>
          </div>
          <div>
            <dt>Last update</dt>
            <dd>
              <When at={operation.updatedAt} ago />
            </dd>
          </div>
        </dl>
      </div>
      <StackedBar counters={counters} size="large" />
      <Legend counters={counters} />
      {operation.pausedAt !== null && isOpen(operation) && (
        <Notice>
          Paused since <When at={operation.pausedAt} />. No more messages are submitted until you
          resume the operation.
        </Notice>
      )}
      <Spoken operation={operation} />
    </section>
  );
}

/** Milliseconds between two announcements of the numbers to screen readers. */
const SPEAK_MS = 20_000;

/** Announces the progress to screen readers: at intervals, and when the status changes. */
function Spoken({ operation }: { readonly operation: AnyOperation }) {
  const [text, setText] = useState('');
  const latest = useRef(operation);
  latest.current = operation;
  const say = () => {
    const { status, stats } = latest.current;
    const good = countersOf(latest.current)
      .filter(({ key }) => key === 'delivered' || key === 'read')
      .reduce((sum, { count }) => sum + count, 0);
    setText(
      `${statusLabel(status)}: ${formatNumber(doneOf(latest.current))} of ${plural(stats.total, 'message')} processed, ${formatNumber(good)} delivered`,
    );
  };
  useEffect(say, [operation.status]);
  const moves = isLive(operation);
  useEffect(() => {
    if (!moves) return;
    const timer = setInterval(say, SPEAK_MS);
    return () => clearInterval(timer);
  }, [moves]);
  return <Announcement text={text} />;
}

type Chart = ComponentType<{ readonly report: OperationReport; readonly isLive: boolean }>;

function OverTime(props: {
  readonly report: OperationReport | null;
  readonly error: string | null;
  readonly isLive: boolean;
}) {
  const { report } = props;
  const [Found, setFound] = useState<Chart | null>(null);
  // The charts load separately, so that the numbers appear first.
  useEffect(() => {
    let isHere = true;
    void import('../ui/chart.tsx').then(({ ThroughputChart }) => {
      if (isHere) setFound(() => ThroughputChart);
    });
    return () => {
      isHere = false;
    };
  }, []);
  if (report === null)
    return props.error === null ? <Loading lines={3} /> : <Notice tone="bad">{props.error}</Notice>;
  if (report.buckets.length === 0)
    return (
      <p class="muted">No messages have been submitted yet. The chart starts with the first one.</p>
    );
  return (
    <>
      {Found === null ? <Loading lines={5} /> : <Found report={report} isLive={props.isLive} />}
      <BucketTable report={report} />
      {!connection.value.isUp && (
        <p class="muted">The chart continues when the server responds again.</p>
      )}
    </>
  );
}

function BucketTable({ report }: { readonly report: OperationReport }) {
  return (
    <details class="as-table">
      <summary>Show as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Messages over time">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col" class="number">
                Submitted
              </th>
              <th scope="col" class="number">
                Receipts
              </th>
              <th scope="col" class="number">
                Median
              </th>
              <th scope="col" class="number">
                95th percentile
              </th>
            </tr>
          </thead>
          <tbody>
            {report.buckets.map((bucket) => (
              <tr key={bucket.at.getTime()}>
                <td>{formatTime(bucket.at)}</td>
                <td class="number">{formatNumber(bucket.submitted)}</td>
                <td class="number">{formatNumber(bucket.settled)}</td>
                <td class="number">
                  {bucket.latency50 === null ? '–' : formatDuration(bucket.latency50)}
                </td>
                <td class="number">
                  {bucket.latency95 === null ? '–' : formatDuration(bucket.latency95)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
