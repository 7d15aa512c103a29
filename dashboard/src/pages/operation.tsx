/** One operation, live: how far it is, how quick, by whom, what went wrong, and its messages. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { OperationReport } from '@fanfare/client';
import { client } from '../api.ts';
import { connection } from '../connection.ts';
import { countersOf, doneOf, isLive, isOpen, type AnyOperation, type Kind } from '../counters.ts';
import { formatDuration, formatNumber, formatShort, formatTime } from '../format.ts';
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

/** A complete operation is followed for as long as somebody may look. */
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
      const [told, now] = await Promise.all([
        client[kind].fetchReport(id, { signal }),
        client[kind].fetchOperation(id, { signal }),
      ]);
      setRead(now);
      return told;
    },
    mayChange ? REPORT_MS : null,
  );
  // What was told before it came to rest is better than nothing while it is told anew.
  const told = useRef<OperationReport | null>(null);
  told.current = report.value ?? told.current;

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
        title={told.current?.excerpt || 'Operation'}
        heading={<span class="excerpt">{told.current?.excerpt || 'Operation'}</span>}
        above={<BackLink />}
      >
        <LiveBadge at={null} error={followed.error} isOver={followed.isOver && !mayChange} />
      </PageHead>
      <div class="facts-row">
        <Facts operation={operation} report={told.current} />
        <Actions kind={kind} operation={operation} onChange={setRead} />
      </div>
      <Progress operation={operation} />
      <Section title="Over time" class="over-time">
        <OverTime report={told.current} error={report.error} isLive={mayChange} />
      </Section>
      <div class="columns">
        <Section title="By channel and sender">
          <Shown of={{ ...report, value: told.current }}>
            {({ senders }) => <SenderTable senders={senders} />}
          </Shown>
        </Section>
        <Section title="Errors">
          <Shown of={{ ...report, value: told.current }}>
            {({ errors }) => <Errors errors={errors} kind={kind} />}
          </Shown>
        </Section>
      </div>
      <OperationMessages kind={kind} operation={operation} />
    </>
  );
}

/** The counters that are newest. The stream tells when they move, which a pause does not: that is read besides. */
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
          until <When at={report.expireAt} />
        </span>
      )}
      {report && <Tags tags={report.tags} />}
      <Copyable text={operation.id} what="the operation's id" />
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
          <span class="of">of {formatNumber(stats.total)} handed over or ended</span>
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
            <dt>Last change</dt>
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
          Paused since <When at={operation.pausedAt} />. Nothing more is handed over until it is
          resumed.
        </Notice>
      )}
      <Spoken operation={operation} />
    </section>
  );
}

/** At most this often the numbers are said aloud, in milliseconds. */
const SPEAK_MS = 20_000;

/** Progress for those who hear it: now and then, and when the status changes. */
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
      `${status.toLowerCase()}: ${formatNumber(doneOf(latest.current))} of ${formatNumber(stats.total)} handed over, ${formatNumber(good)} delivered`,
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
  // The charts' code is loaded apart: the numbers are there first.
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
      <p class="muted">Nothing was handed over yet. The chart begins with the first message.</p>
    );
  return (
    <>
      {Found === null ? <Loading lines={5} /> : <Found report={report} isLive={props.isLive} />}
      <BucketTable report={report} />
      {!connection.value.isUp && (
        <p class="muted">The chart stands still until the server is back.</p>
      )}
    </>
  );
}

function BucketTable({ report }: { readonly report: OperationReport }) {
  return (
    <details class="as-table">
      <summary>The same as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Messages over time">
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="number">
                Handed over
              </th>
              <th scope="col" class="number">
                Receipts
              </th>
              <th scope="col" class="number">
                Half in
              </th>
              <th scope="col" class="number">
                95% in
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
