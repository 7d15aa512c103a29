/**
 * The last step of a send: review it with a dry run, send it, then go to its page. Both upload the same lines as one request.
 *
 * ```
 *  editing ──review──▶ uploading ──▶ reviewed ──send──▶ uploading ──▶ accepted
 *     ▲                    │ cancel     │ a change          │ cancel
 *     └────────────────────┴────────────┴───────────────────┘
 * ```
 */
import { useRef, useState } from 'preact/hooks';
import {
  indexOfRecipient,
  InvalidRequestError,
  type ErrorItem,
  type FanfareClient,
  type Sender,
} from '@fanfare/client';
import { PlaceList } from '../../../server/src/lists/place-list.ts';
import { describePlace } from '../../../server/src/lists/problem.ts';
import { uploader } from '../api.ts';
import { findMissing, toLines, type Draft } from '../draft.ts';
import { estimate, type Estimate } from '../estimate.ts';
import { fieldOf } from '../fields.ts';
import { formatDuration, formatFull, formatNumber, formatShort, plural } from '../format.ts';
import { useAction } from '../hooks.ts';
import type { Recipients } from '../recipients.ts';
import { goTo } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { Button, Notice } from '../ui/parts.tsx';

const PRICE_KEY = 'fanfare.price';
/** As long as a server gives a request in lines to arrive. */
const UPLOAD_TIMEOUT_MS = 3_600_000;

interface Checked {
  /** The reviewed draft and list. A later change requires a new review. */
  readonly draft: string;
  readonly recipients: Recipients;
  readonly estimate: Estimate;
  readonly key: string;
}

/** Problems of recipients, the first ones of `total`. */
interface Found {
  readonly problems: readonly ErrorItem[];
  readonly total: number;
}

const NOTHING_FOUND: Found = { problems: [], total: 0 };

export function Check(props: {
  readonly draft: Draft;
  readonly recipients: Recipients | null;
  readonly senders: readonly Sender[];
}) {
  const { draft, senders, recipients } = props;
  const count = recipients?.count ?? 0;
  const [checked, setChecked] = useState<Checked | null>(null);
  const [found, setFound] = useState(NOTHING_FOUND);
  const action = useAction();
  const upload = useUpload(draft.kind);
  const places = new PlaceList(recipients?.places);
  const missing = findMissing(draft, count);
  const draftText = JSON.stringify(draft);
  const current =
    checked?.draft === draftText && checked.recipients === recipients ? checked : null;

  async function attempt(what: (list: Recipients) => Promise<void>): Promise<void> {
    setFound(NOTHING_FOUND);
    if (recipients === null) return;
    await action.run(async () => {
      try {
        await what(recipients);
      } catch (error) {
        if (error instanceof InvalidRequestError)
          setFound({ problems: error.errors, total: error.total });
        throw error;
      }
    });
  }

  const check = () =>
    attempt(async (list) => {
      const run = await upload.send(toLines(draft, list, true), crypto.randomUUID());
      if ('operationId' in run) return;
      setChecked({
        draft: draftText,
        recipients: list,
        estimate: estimate(run, senders),
        key: crypto.randomUUID(),
      });
    });

  // A repetition with the same key sends nothing twice.
  const send = (key: string) =>
    attempt(async (list) => {
      const accepted = await upload.send(toLines(draft, list, false), key);
      const query = draft.kind === 'emails' ? { kind: 'emails' } : {};
      if ('operationId' in accepted) goTo(['operation', accepted.operationId], query);
    });

  return (
    <div class="check">
      {current !== null && <Summary estimate={current.estimate} draft={draft} places={places} />}
      {found.problems.length > 0 ? (
        <Problems {...found} places={places} />
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
              : `Review${count === 0 ? '' : ` ${plural(count, 'recipient')}`}`}
          </Button>
        ) : (
          <Button
            tone="main"
            disabled={current.estimate.reached === 0}
            isBusy={action.isBusy}
            onClick={() => void send(current.key)}
          >
            <Icon name="send" />
            {action.isBusy
              ? 'Sending…'
              : `${draft.when === 'now' ? 'Send to' : 'Schedule for'} ${plural(current.estimate.reached, 'recipient')}`}
          </Button>
        )}
        {action.isBusy && <UploadProgress upload={upload} />}
        <p class="muted">{missing ?? (current === null ? 'The review sends nothing.' : '')}</p>
      </div>
    </div>
  );
}

interface Upload {
  /** The part that has gone, 0 to 1. */
  readonly share: number;
  send(lines: Blob, key: string): ReturnType<FanfareClient['messages' | 'emails']['sendLines']>;
  cancel(): void;
}

function useUpload(kind: Draft['kind']): Upload {
  const [share, setShare] = useState(0);
  const controller = useRef<AbortController | null>(null);
  return {
    share,
    send(lines, key) {
      setShare(0);
      controller.current = new AbortController();
      const { signal } = controller.current;
      const options = { key, signal, timeoutMs: UPLOAD_TIMEOUT_MS };
      return uploader(setShare)[kind].sendLines(lines, options);
    },
    cancel: () => controller.current?.abort(new Error('It was canceled. Nothing was sent.')),
  };
}

/** Once all has gone, the server may have accepted it, so it can be canceled no more. */
function UploadProgress({ upload }: { readonly upload: Upload }) {
  const percent = Math.floor(upload.share * 100);
  return (
    <>
      <progress aria-label="Upload" max={100} value={percent} />
      {percent < 100 && (
        <Button tone="quiet" onClick={upload.cancel}>
          Cancel
        </Button>
      )}
    </>
  );
}

function Summary({
  estimate: found,
  draft,
  places,
}: {
  readonly estimate: Estimate;
  readonly draft: Draft;
  readonly places: PlaceList;
}) {
  const [price, setPrice] = useState(() => localStorage.getItem(PRICE_KEY) ?? '');
  const each = Number(price.replace(',', '.'));
  const others = found.unaddressableTotal - found.suppressed;
  return (
    <>
      <dl class="summary">
        <div>
          <dt>Reachable recipients</dt>
          <dd class="figure">{formatNumber(found.reached)}</dd>
          <dd class="muted">
            {found.byChannel
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
          <dd class="figure">{formatNumber(found.duplicates)}</dd>
          <dd class="muted">{found.duplicates === 0 ? 'no duplicates' : 'each copy is sent'}</dd>
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
      {found.duplicates > 0 && (
        <Notice tone="warn">
          Duplicate addresses: {found.duplicateAddresses.slice(0, 5).join(', ')}
          {found.duplicateAddresses.length > 5 && ', and others'}.
        </Notice>
      )}
      {found.unaddressable.length > 0 && (
        <Problems
          problems={found.unaddressable}
          total={found.unaddressableTotal}
          places={places}
          tone="warn"
        />
      )}
    </>
  );
}

/** Maximum numbers of problems, and of places of each problem, in the list. */
const KINDS_SHOWN = 8;
const PLACES_SHOWN = 6;

/** The first problems grouped by message, with their places. */
function Problems(props: {
  readonly problems: readonly ErrorItem[];
  readonly total: number;
  readonly places: PlaceList;
  readonly tone?: 'bad' | 'warn';
}) {
  const groups = new Map<string, string[]>();
  for (const { message: given, context } of props.problems) {
    const message = describeProblem(given, context, props.places);
    const places = groups.get(message);
    if (places === undefined) groups.set(message, [placeOf(context, props.places)]);
    else places.push(placeOf(context, props.places));
  }
  const kinds = [...groups];
  const shown = kinds.slice(0, KINDS_SHOWN).reduce((sum, [, places]) => sum + places.length, 0);
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
      {props.total > shown && <p>And {plural(props.total - shown, 'other problem')}.</p>}
    </Notice>
  );
}

/** The words of a problem. Without the place of their recipient they are the same for all with this problem. */
const describeProblem = (message: string, context: string, places: PlaceList): string =>
  message.replaceAll(/\bline \d+\b/g, (place) =>
    indexOfRecipient(place) === indexOfRecipient(context) ? 'a recipient' : placeOf(place, places),
  );

/** The place or field of the page that a place of the request is. */
function placeOf(context: string, places: PlaceList): string {
  const index = indexOfRecipient(context);
  if (index === null) return fieldOf(context) ?? '';
  const place = places.at(index);
  return place === null ? `recipient ${formatNumber(index + 1)}` : describePlace(place);
}
