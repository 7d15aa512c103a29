/** The last step of a send: review it with a dry run, send it, then go to its page. */
import { useState } from 'preact/hooks';
import {
  InvalidRequestError,
  type DryRun,
  type EmailDryRun,
  type ErrorItem,
  type Sender,
} from '@fanfare/client';
import { describePlace, type Place } from '../../../server/src/lists/problem.ts';
import { client } from '../api.ts';
import { dryRun, findMissing, toRequest, type Draft } from '../draft.ts';
import { estimate, type Estimate } from '../estimate.ts';
import { fieldOf } from '../fields.ts';
import { formatDuration, formatFull, formatNumber, formatShort, plural } from '../format.ts';
import { useAction } from '../hooks.ts';
import type { Recipient, Recipients } from '../recipients.ts';
import { goTo } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { Button, Notice } from '../ui/parts.tsx';

/** Recipients of one request. */
const PART_MAX = 10_000;
const NOBODY: readonly Recipient[] = [];
const PRICE_KEY = 'fanfare.price';

interface Checked {
  /** The reviewed draft and list. A later change requires a new review. */
  readonly draft: string;
  readonly list: readonly Recipient[];
  readonly estimate: Estimate;
  readonly idempotencyKey: string;
}

export function Check(props: {
  readonly draft: Draft;
  readonly recipients: Recipients | null;
  readonly senders: readonly Sender[];
}) {
  const { draft, senders } = props;
  const list = props.recipients?.list ?? NOBODY;
  const [checked, setChecked] = useState<Checked | null>(null);
  const [problems, setProblems] = useState<readonly ErrorItem[]>([]);
  const action = useAction();
  const places = props.recipients?.places ?? [];
  const missing = findMissing(draft, list.length);
  const draftText = JSON.stringify(draft);
  const current = checked?.draft === draftText && checked.list === list ? checked : null;

  async function attempt(what: () => Promise<void>): Promise<void> {
    setProblems([]);
    await action.run(async () => {
      try {
        await what();
      } catch (error) {
        if (error instanceof InvalidRequestError) setProblems(error.errors);
        throw error;
      }
    });
  }

  const check = () =>
    attempt(async () => {
      const runs: (DryRun | EmailDryRun)[] = [];
      for (let i = 0; i < list.length; i += PART_MAX)
        runs.push(await dryRun(draft, list.slice(i, i + PART_MAX)));
      setChecked({
        draft: draftText,
        list,
        estimate: estimate(runs, senders),
        idempotencyKey: crypto.randomUUID(),
      });
    });

  const send = (idempotencyKey: string) =>
    attempt(async () => {
      const id = await sendAll(draft, list, idempotencyKey);
      const query = draft.kind === 'emails' ? { kind: 'emails' } : {};
      // Several operations have no common page but the list.
      if (id === null) goTo(['operations'], query);
      else goTo(['operation', id], query);
    });

  return (
    <div class="check">
      {current !== null && <Summary estimate={current.estimate} draft={draft} places={places} />}
      {problems.length > 0 ? (
        <Problems problems={problems} places={places} />
      ) : (
        action.error !== null && <Notice tone="bad">{action.error}</Notice>
      )}
      <div class="check-actions">
        {current === null ? (
          <Button
            tone="main"
            disabled={missing !== null}
            isBusy={action.isBusy}
            onClick={() => void check()}
          >
            {action.isBusy
              ? 'Reviewing…'
              : `Review${list.length === 0 ? '' : ` ${plural(list.length, 'recipient')}`}`}
          </Button>
        ) : (
          <Button
            tone="main"
            disabled={current.estimate.reached === 0}
            isBusy={action.isBusy}
            onClick={() => void send(current.idempotencyKey)}
          >
            <Icon name="send" />
            {action.isBusy
              ? 'Sending…'
              : `${draft.when === 'now' ? 'Send to' : 'Schedule for'} ${plural(current.estimate.reached, 'recipient')}`}
          </Button>
        )}
        <p class="muted">{missing ?? (current === null ? 'The review sends nothing.' : '')}</p>
      </div>
    </div>
  );
}

/** Resolves with the operation; null if there are several. A repetition with the same key sends nothing twice. */
async function sendAll(
  draft: Draft,
  list: readonly Recipient[],
  key: string,
): Promise<string | null> {
  const request = toRequest(draft, list);
  if (list.length <= PART_MAX) {
    const { operationId } =
      draft.kind === 'emails'
        ? await client.emails.send({ ...request, dryRun: false }, { idempotencyKey: key })
        : await client.messages.send({ ...request, dryRun: false }, { idempotencyKey: key });
    return operationId;
  }
  const { dryRun: _none, ...whole } = request;
  const sending =
    draft.kind === 'emails'
      ? client.emails.sendAll(whole, { key })
      : client.messages.sendAll(whole, { key });
  await sending.accepted();
  return null;
}

function Summary({
  estimate: found,
  draft,
  places,
}: {
  readonly estimate: Estimate;
  readonly draft: Draft;
  readonly places: readonly Place[];
}) {
  const [price, setPrice] = useState(() => localStorage.getItem(PRICE_KEY) ?? '');
  const each = Number(price.replace(',', '.'));
  const others = found.unaddressable.length - found.suppressed;
  return (
    <>
      <dl class="summary">
        <div>
          <dt>Reachable recipients</dt>
          <dd class="figure">{formatNumber(found.reached)}</dd>
          <dd class="muted">
            {[...found.byChannel]
              .map(([channel, count]) => `${formatNumber(count)} ${channel}`)
              .join(', ')}
          </dd>
        </div>
        <div>
          <dt>Opted out</dt>
          <dd class="figure">{formatNumber(found.suppressed)}</dd>
          <dd class="muted">not sent to</dd>
        </div>
        <div>
          <dt>Unaddressable</dt>
          <dd class="figure">{formatNumber(others)}</dd>
          <dd class="muted">{others === 0 ? 'all have a sender' : 'see the reasons below'}</dd>
        </div>
        <div>
          <dt>Duplicates</dt>
          <dd class="figure">{formatNumber(found.duplicates.length)}</dd>
          <dd class="muted">
            {found.duplicates.length === 0 ? 'no duplicates' : 'each copy is sent'}
          </dd>
        </div>
        {draft.kind === 'messages' && (
          <div>
            <dt>SMS segments</dt>
            <dd class="figure">{formatNumber(found.segments)}</dd>
            <dd class="muted">without fallbacks</dd>
          </div>
        )}
        <div>
          <dt>Estimated time</dt>
          <dd class="figure">{found.seconds === null ? '–' : formatDuration(found.seconds)}</dd>
          <dd class="muted">
            {found.seconds === null ? 'no sender has a rate limit' : 'at the senders’ rate limits'}
          </dd>
        </div>
        <div>
          <dt>Estimated cost</dt>
          <dd class="figure">
            {price === '' || !Number.isFinite(each) ? '–' : formatShort(each * found.units)}
          </dd>
          <dd>
            <label class="price">
              <span class="muted">at</span>
              <input
                inputMode="decimal"
                size={6}
                placeholder="0.00"
                aria-label="Price per segment or message"
                value={price}
                onInput={(event) => {
                  setPrice(event.currentTarget.value);
                  localStorage.setItem(PRICE_KEY, event.currentTarget.value);
                }}
              />
              <span class="muted">each</span>
            </label>
          </dd>
        </div>
      </dl>
      {found.scheduledFor !== null && <p>Scheduled for {formatFull(found.scheduledFor)}.</p>}
      {found.duplicates.length > 0 && (
        <Notice tone="warn">
          Duplicate addresses:{' '}
          {found.duplicates
            .slice(0, 5)
            .map(({ address, count }) => `${address} (${count} times)`)
            .join(', ')}
          {found.duplicates.length > 5 && ', and others'}.
        </Notice>
      )}
      {found.unaddressable.length > 0 && (
        <Problems problems={found.unaddressable} places={places} tone="warn" />
      )}
    </>
  );
}

/** Maximum numbers of problems, and of places of each problem, in the list. */
const KINDS_SHOWN = 8;
const PLACES_SHOWN = 6;

/** Problems grouped by message, with their places. */
function Problems(props: {
  readonly problems: readonly ErrorItem[];
  readonly places: readonly Place[];
  readonly tone?: 'bad' | 'warn';
}) {
  const groups = new Map<string, string[]>();
  for (const { message, context } of props.problems) {
    const places = groups.get(message);
    if (places === undefined) groups.set(message, [placeOf(context, props.places)]);
    else places.push(placeOf(context, props.places));
  }
  const kinds = [...groups];
  return (
    <Notice tone={props.tone ?? 'bad'}>
      <ul class="problems">
        {kinds.slice(0, KINDS_SHOWN).map(([message, places]) => (
          <li key={message}>
            {places.length > 1 && <b>{formatNumber(places.length)} × </b>}
            {message}{' '}
            <span class="muted">
              {places
                .slice(0, PLACES_SHOWN)
                .filter((place) => place !== '')
                .join(', ')}
              {places.length > PLACES_SHOWN &&
                ` and ${formatNumber(places.length - PLACES_SHOWN)} more`}
            </span>
          </li>
        ))}
      </ul>
      {kinds.length > KINDS_SHOWN && (
        <p>And {plural(kinds.length - KINDS_SHOWN, 'other problem')}.</p>
      )}
    </Notice>
  );
}

/** The place or field of the page that a JSON path points to. */
function placeOf(context: string, places: readonly Place[]): string {
  const index = /^\$\.to\[(\d+)\]/.exec(context)?.[1];
  if (index !== undefined) {
    const place = places[Number(index)];
    return place === undefined
      ? `recipient ${formatNumber(Number(index) + 1)}`
      : describePlace(place);
  }
  return fieldOf(context) ?? '';
}
