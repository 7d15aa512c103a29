/** One message or e-mail: its content and its history. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Email, Message } from '@fanfare/client';
import { client } from '../api.ts';
import { statusKey, statusLabel, type Kind } from '../counters.ts';
import { addressOf } from '../export.ts';
import { formatDuration, formatFull, formatTime } from '../format.ts';
import { useAction, useLoaded } from '../hooks.ts';
import { linkTo, place } from '../router.ts';
import { LiveBadge } from '../ui/live-badge.tsx';
import {
  Button,
  Copyable,
  Empty,
  Notice,
  PageHead,
  Section,
  Shown,
  StatusChip,
  Tags,
  When,
} from '../ui/parts.tsx';
import { EmailPreview, PhonePreview, type Said } from '../ui/preview.tsx';

type Any = Message | Email;

const BUSY_MS = 2_500;

const isOpen = ({ status }: Any) => ['SCHEDULED', 'QUEUED', 'SENT'].includes(status);

export function MessagePage({ id }: { readonly id: string }) {
  const kind: Kind = place.value.query.get('kind') === 'emails' ? 'emails' : 'messages';
  const [mayChange, setMayChange] = useState(true);
  const loaded = useLoaded<Any>(
    id,
    async (signal) => {
      const message = await client[kind].fetch(id, { signal });
      setMayChange(isOpen(message));
      return message;
    },
    mayChange ? BUSY_MS : null,
  );
  const message = loaded.value;
  const isDeleted = message !== null && message.deletedAt !== null;
  const noun = kind === 'emails' ? 'E-mail' : 'Message';
  const to =
    message === null
      ? noun
      : isDeleted
        ? `Deleted ${noun.toLowerCase()}`
        : addressOf(message.to[0]);
  const operation = message?.related.find(({ name }) => name === 'OPERATION');
  return (
    <>
      <PageHead
        title={isDeleted ? to : `${noun} to ${to}`}
        heading={<span class="breakable">{to}</span>}
        above={
          <a
            class="back"
            href={
              operation === undefined
                ? linkTo(['operations'])
                : linkTo(['operation', operation.id], kind === 'emails' ? { kind } : {})
            }
          >
            Operation
          </a>
        }
      >
        {message !== null && (
          <>
            <LiveBadge at={loaded.at} error={loaded.error} isOver={!mayChange} />
            <Cancel kind={kind} message={message} onDone={loaded.reload} />
          </>
        )}
      </PageHead>
      <Shown of={loaded} lines={8}>
        {(shown) => (
          <>
            <div class="facts">
              <StatusChip status={shown.status} />
              <From of={shown.from} />
              <Tags tags={shown.tags} />
              <Copyable text={shown.id} what="the message ID" />
            </div>
            {shown.error !== undefined && (
              <Notice tone="bad">
                <b>{shown.error.message}</b>{' '}
                <a href={shown.error.infoUrl}>Help for error {shown.error.code}</a>
              </Notice>
            )}
            <div class="columns">
              <Section title="History">
                <Timeline message={shown} />
              </Section>
              <Section title="Content">
                {shown.deletedAt === null ? (
                  <Content message={shown} />
                ) : (
                  <Empty title={`Deleted on ${formatFull(shown.deletedAt)}`}>
                    <p>
                      Its address, its content and its attempts are gone. This cannot be undone.
                    </p>
                  </Empty>
                )}
              </Section>
            </div>
          </>
        )}
      </Shown>
    </>
  );
}

/** The sender, as far as it is known: of a deleted message perhaps the channel only. */
function From({ of }: { readonly of: Any['from'] }) {
  const channel = 'channel' in of ? `by ${of.channel}` : '';
  return of.address === '' ? (
    <span>{channel}</span>
  ) : (
    <span>
      from <b>{of.address}</b> {channel}
    </span>
  );
}

function Cancel(props: {
  readonly kind: Kind;
  readonly message: Any;
  readonly onDone: () => void;
}) {
  const action = useAction();
  if (!['SCHEDULED', 'QUEUED'].includes(props.message.status)) return null;
  return (
    <>
      <Button
        tone="danger"
        isBusy={action.isBusy}
        onClick={async () => {
          if (await action.run(() => client[props.kind].cancel(props.message.id))) props.onDone();
        }}
      >
        Cancel this message
      </Button>
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
    </>
  );
}

interface Step {
  readonly at: Date | null;
  readonly status: string;
  readonly words: ComponentChildren;
  readonly more?: ComponentChildren;
}

/** States and attempts in order of time. */
function listSteps(message: Any): Step[] {
  const { attempts, scheduledFor, status, updatedAt, deletedAt } = message;
  const steps: Step[] = [{ at: message.createdAt, status: 'QUEUED', words: 'Accepted' }];
  if (scheduledFor !== null)
    steps.push({
      at: scheduledFor,
      status: 'SCHEDULED',
      words: scheduledFor > new Date() ? 'Scheduled' : 'Due',
    });
  if (deletedAt !== null) {
    // Its attempts are gone, and with them the times of its status.
    steps.push({ at: deletedAt, status: 'CANCELED', words: 'Deleted' });
    return steps;
  }
  for (const [i, attempt] of attempts.entries()) {
    const { from, error } = attempt;
    const channel = 'channel' in from ? ` by ${from.channel}` : '';
    const isLast = i === attempts.length - 1;
    steps.push({
      at: attempt.attemptedAt,
      status: attempt.status === 'FAILED' ? 'FAILED' : 'SENT',
      words: `Attempt ${i + 1}${channel} from ${from.address}`,
      more: (
        <>
          <code class="small">{attempt.id}</code>
          {error !== undefined && (
            <span class="answer">
              {statusLabel(attempt.status)}: {error.message}{' '}
              <a href={error.infoUrl}>{error.code}</a>
              {detailOf(error) !== null && <em> Carrier response: “{detailOf(error)}”</em>}
            </span>
          )}
          {error === undefined && !(isLast && attempt.status === status) && (
            <span class="answer">{statusLabel(attempt.status)}</span>
          )}
        </>
      ),
    });
  }
  const isMoving =
    status === 'QUEUED' || status === 'SCHEDULED' || (status === 'SENT' && attempts.length > 0);
  if (isMoving)
    steps.push({
      at: null,
      status,
      words:
        status === 'SENT'
          ? 'Waiting for the delivery receipt'
          : status === 'QUEUED'
            ? 'Waiting in the queue'
            : 'Waiting for the scheduled time',
    });
  else steps.push({ at: updatedAt, status, words: statusLabel(status) });
  return steps;
}

function detailOf(error: object): string | null {
  return 'detail' in error && typeof error.detail === 'string' ? error.detail : null;
}

function Timeline({ message }: { readonly message: Any }) {
  const steps = listSteps(message);
  return (
    <ol class="timeline">
      {steps.map((step, i) => {
        const before = steps[i - 1]?.at ?? null;
        const gap =
          step.at !== null && before !== null ? (step.at.getTime() - before.getTime()) / 1_000 : 0;
        return (
          // New steps are always added at the end.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={i} class={step.at === null ? 'pending' : ''}>
            <span class={`dot s-${statusKey(step.status)}`} aria-hidden="true" />
            <p class="step">
              <b>{step.words}</b>
              {step.at !== null && (
                <time dateTime={step.at.toISOString()} title={formatFull(step.at)}>
                  {new Date().toDateString() === step.at.toDateString() ? (
                    formatTime(step.at)
                  ) : (
                    <When at={step.at} />
                  )}
                  {gap > 0 && <span class="muted"> +{formatDuration(gap)}</span>}
                </time>
              )}
            </p>
            {step.more && <div class="step-more">{step.more}</div>}
          </li>
        );
      })}
    </ol>
  );
}

function Content({ message }: { readonly message: Any }) {
  if ('subject' in message.content) {
    const { subject, html } = message.content;
    return (
      <EmailPreview
        from={message.from.address}
        to={addressOf(message.to[0])}
        subject={subject}
        html={html}
      />
    );
  }
  return <PhonePreview said={saidBy(message as Message)} />;
}

function saidBy({ content, from }: Message): Said {
  const base = { channel: from.channel, from: from.address };
  const rcs = content.modules?.find((each) => each.rcs !== undefined)?.rcs ?? null;
  const sms = content.modules?.find((each) => each.sms !== undefined)?.sms;
  if (rcs !== null && (from.channel === 'RCS' || sms === undefined)) return { ...base, rich: rcs };
  if (sms !== undefined) {
    const { text, media } = sms as { text?: string; media?: { url: string }[] };
    return { ...base, text, mediaUrls: (media ?? []).map(({ url }) => url) };
  }
  return { ...base, text: content.text, mediaUrls: (content.media ?? []).map(({ url }) => url) };
}
