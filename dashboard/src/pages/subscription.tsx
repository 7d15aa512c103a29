/** One subscription: its state, its deliveries, and their replay. */
import { useState } from 'preact/hooks';
import type { Delivery, DeliveryAttempt, Subscription } from '@fanfare/client';
import { client } from '../api.ts';
import { statusLabel } from '../counters.ts';
import { formatDuration, formatNumber, plural } from '../format.ts';
import { useAction, useLoaded, usePageTokens } from '../hooks.ts';
import { goTo, linkTo } from '../router.ts';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { LiveBadge } from '../ui/live-badge.tsx';
import {
  Button,
  Copyable,
  Empty,
  Field,
  Notice,
  PageHead,
  Pager,
  Section,
  Shown,
  Tags,
  When,
} from '../ui/parts.tsx';
import { shortType, SubscriptionState, targetOf } from './subscriptions.tsx';

const EVERY_MS = 4_000;
const STATUSES = ['PENDING', 'DELIVERED', 'FAILED'] as const;

export function SubscriptionPage({ id }: { readonly id: string }) {
  const loaded = useLoaded(id, (signal) => client.subscriptions.fetch(id, { signal }), EVERY_MS);
  const subscription = loaded.value;
  return (
    <>
      <PageHead
        title={subscription === null ? 'Subscription' : targetOf(subscription)}
        heading={
          <span class="breakable">
            {subscription === null ? 'Subscription' : targetOf(subscription)}
          </span>
        }
        above={
          <a class="back" href={linkTo(['subscriptions'])}>
            Subscriptions
          </a>
        }
      >
        <LiveBadge at={loaded.at} error={loaded.error} />
      </PageHead>
      <Shown of={loaded}>
        {(shown) => (
          <>
            <div class="facts">
              <SubscriptionState subscription={shown} />
              <span>receives {shown.types.map(shortType).join(', ')}</span>
              <Tags tags={shown.tags} />
              <Copyable text={shown.id} what="the subscription ID" />
            </div>
            {shown.reason !== null && <Notice tone="bad">{shown.reason}</Notice>}
            <Actions subscription={shown} onChange={loaded.reload} />
            <div class="columns">
              <Deliveries id={id} />
              <Attempts id={id} />
            </div>
          </>
        )}
      </Shown>
    </>
  );
}

function Actions(props: { readonly subscription: Subscription; readonly onChange: () => void }) {
  const { subscription, onChange } = props;
  const { id } = subscription;
  const calls = client.subscriptions;
  const action = useAction();
  const [said, setSaid] = useState<string | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const isEnabled = subscription.status === 'ENABLED';
  const run = async (what: () => Promise<string | null>) => {
    setSaid(null);
    await action.run(async () => setSaid(await what()));
    onChange();
  };
  return (
    <>
      <div class="actions subscription-actions">
        <Button
          isBusy={action.isBusy}
          onClick={() =>
            void run(async () => {
              const { delivered, httpStatus, detail, tookMs } = await calls.test(id);
              const took = formatDuration(tookMs / 1_000);
              return delivered
                ? `The test event was delivered in ${took}.`
                : `The test event was not delivered: ${detail ?? (httpStatus === null ? 'no response' : `status ${httpStatus}`)} (${took}). Check the destination, then test again.`;
            })
          }
        >
          Send test event
        </Button>
        <Button
          isBusy={action.isBusy}
          onClick={() =>
            void run(async () => {
              const { replayed } = await calls.replay(id, {
                endDate: new Date(),
                statuses: ['FAILED'],
              });
              return `${plural(replayed, 'failed delivery', 'failed deliveries')} will be sent again.`;
            })
          }
        >
          <Icon name="again" /> Replay failed deliveries
        </Button>
        <Button
          isBusy={action.isBusy}
          onClick={() =>
            void run(async () => {
              await calls.update(id, { status: isEnabled ? 'DISABLED' : 'ENABLED' });
              return null;
            })
          }
        >
          {isEnabled ? 'Disable' : 'Enable'}
        </Button>
        <Button
          isBusy={action.isBusy}
          onClick={() =>
            void run(async () => {
              setSecret((await calls.rotateSecret(id)).secret);
              return null;
            })
          }
        >
          Rotate secret
        </Button>
        <Button tone="danger" onClick={() => setDeleting(true)}>
          Delete
        </Button>
      </div>
      {said !== null && <Notice>{said}</Notice>}
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      {secret !== null && (
        <Dialog title="New secret" onClose={() => setSecret(null)}>
          <div class="dialog-text">
            <p>
              Copy the secret now. It is not shown again. The previous secret is valid for one more
              day.
            </p>
            <Copyable text={secret} what="the secret" />
          </div>
          <div class="dialog-actions">
            <Button onClick={() => setSecret(null)}>Close</Button>
          </div>
        </Dialog>
      )}
      {isDeleting && (
        <Confirm
          title="Delete this subscription?"
          word="Delete"
          action={async () => {
            await calls.delete(id);
            goTo(['subscriptions']);
          }}
          onClose={() => setDeleting(false)}
        >
          <p>Events that are not delivered yet will not be delivered. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  );
}

function Deliveries({ id }: { readonly id: string }) {
  const [status, setStatus] = useState('');
  const pages = usePageTokens(status);
  const action = useAction();
  const loaded = useLoaded(
    `${id} ${status} ${pages.token}`,
    (signal) =>
      client.subscriptions.listDeliveries(
        id,
        { status: STATUSES.find((each) => each === status), pageToken: pages.token },
        { signal },
      ),
    EVERY_MS,
  );
  const replay = (delivery: Delivery) =>
    action.run(async () => {
      await client.subscriptions.replay(id, { deliveryIds: [delivery.id] });
      loaded.reload();
    });
  return (
    <Section title="Deliveries">
      <div class="filters">
        <Field label="Status">
          {(ids) => (
            <select
              {...ids}
              value={status}
              onInput={(event) => setStatus(event.currentTarget.value)}
            >
              <option value="">Any</option>
              {STATUSES.map((each) => (
                <option key={each} value={each}>
                  {statusLabel(each)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      <Shown of={loaded}>
        {({ deliveries, pagination }) =>
          deliveries.length === 0 ? (
            <Empty title="No deliveries." />
          ) : (
            <>
              <table class="rows">
                <thead>
                  <tr>
                    <th scope="col">Events</th>
                    <th scope="col">Status</th>
                    <th scope="col" class="wide-only number">
                      Created
                    </th>
                    <th scope="col">
                      <span class="hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {deliveries.map((each) => (
                    <DeliveryRow key={each.id} delivery={each} onReplay={() => void replay(each)} />
                  ))}
                </tbody>
              </table>
              <Pager pages={pages} next={pagination.next} count={deliveries.length} />
            </>
          )
        }
      </Shown>
    </Section>
  );
}

const DOTS = { PENDING: 'queued', DELIVERED: 'delivered', FAILED: 'failed' } as const;

function DeliveryRow({
  delivery,
  onReplay,
}: {
  readonly delivery: Delivery;
  readonly onReplay: () => void;
}) {
  const { type, events, status, tries } = delivery;
  return (
    <tr>
      <th scope="row">
        {shortType(type)}
        <span class="under">{plural(events, 'event')}</span>
      </th>
      <td>
        <span class="chip">
          <span class={`dot s-${DOTS[status]}`} aria-hidden="true" />
          {status.slice(0, 1) + status.slice(1).toLowerCase()}
        </span>
        {tries > 0 && <span class="under">{plural(tries, 'failed attempt')}</span>}
      </td>
      <td class="wide-only number">
        <When at={delivery.createdAt} />
      </td>
      <td class="number">
        <button
          type="button"
          class="as-link"
          aria-label={`Replay ${shortType(type)}`}
          onClick={onReplay}
        >
          Replay
        </button>
      </td>
    </tr>
  );
}

function Attempts({ id }: { readonly id: string }) {
  const loaded = useLoaded(
    id,
    (signal) => client.subscriptions.listAttempts(id, {}, { signal }),
    EVERY_MS,
  );
  return (
    <Section title="Latest attempts">
      <Shown of={loaded}>
        {({ attempts }) =>
          attempts.length === 0 ? (
            <Empty title="No attempts yet." />
          ) : (
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Result</th>
                  <th scope="col" class="number">
                    Events
                  </th>
                  <th scope="col" class="wide-only number">
                    Duration
                  </th>
                  <th scope="col" class="number">
                    Time
                  </th>
                </tr>
              </thead>
              <tbody>
                {attempts.map((each) => (
                  <AttemptRow key={each.id} attempt={each} />
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
    </Section>
  );
}

function AttemptRow({ attempt }: { readonly attempt: DeliveryAttempt }) {
  const { delivered, httpStatus, detail, events, tookMs, createdAt } = attempt;
  return (
    <tr>
      <th scope="row">
        <span class="chip">
          <span class={`dot s-${delivered ? 'delivered' : 'failed'}`} aria-hidden="true" />
          {delivered ? 'Delivered' : 'Failed'}
          {httpStatus !== null && ` (${httpStatus})`}
        </span>
        {detail !== null && <span class="under breakable">{detail}</span>}
      </th>
      <td class="number">{formatNumber(events)}</td>
      <td class="wide-only number">{formatDuration(tookMs / 1_000)}</td>
      <td class="number">
        <When at={createdAt} />
      </td>
    </tr>
  );
}
