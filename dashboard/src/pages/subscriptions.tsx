/** Subscriptions: destinations that receive events. */
import { useState } from 'preact/hooks';
import type { SubscriptionWithSecret, Subscription } from '@fanfare/client';
import { client } from '../api.ts';
import { useAction, useLoaded, usePageTokens } from '../hooks.ts';
import { linkTo } from '../router.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import {
  Button,
  Copyable,
  Empty,
  Field,
  Notice,
  PageHead,
  Pager,
  Shown,
  When,
} from '../ui/parts.tsx';

export function Subscriptions() {
  const pages = usePageTokens('');
  const loaded = useLoaded(`${pages.token}`, (signal) =>
    client.subscriptions.list({ pageToken: pages.token }, { signal }),
  );
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <PageHead title="Subscriptions">
        <Button tone="main" onClick={() => setMaking(true)}>
          <Icon name="plus" /> Create subscription
        </Button>
      </PageHead>
      <Shown of={loaded}>
        {({ subscriptions, pagination }) =>
          subscriptions.length === 0 ? (
            <Empty title="No subscriptions yet.">
              <p>A subscription delivers events to your URL or to a message broker.</p>
            </Empty>
          ) : (
            <>
              <List subscriptions={subscriptions} />
              <Pager pages={pages} next={pagination.next} count={subscriptions.length} />
            </>
          )
        }
      </Shown>
      {isMaking && (
        <NewOne
          onClose={() => {
            setMaking(false);
            loaded.reload();
          }}
        />
      )}
    </>
  );
}

/** The state of a subscription in words. */
export function SubscriptionState({ subscription }: { readonly subscription: Subscription }) {
  const { status, failures, failingSince } = subscription;
  const [key, words] =
    status === 'DISABLED'
      ? ['queued', 'Disabled']
      : failures > 0
        ? ['failed', 'Failing']
        : ['delivered', 'Enabled'];
  return (
    <span class="chip">
      <span class={`dot s-${key}`} aria-hidden="true" />
      {words}
      {status === 'ENABLED' && failingSince !== null && (
        <span class="muted">
          since <When at={failingSince} />
        </span>
      )}
    </span>
  );
}

export const targetOf = ({ url, sink }: Subscription): string =>
  url ?? `Message broker ${sink ?? ''}`;

function List({ subscriptions }: { readonly subscriptions: readonly Subscription[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">State</th>
          <th scope="col" class="wide-only">
            Events
          </th>
          <th scope="col" class="wide-only number">
            Last delivery
          </th>
        </tr>
      </thead>
      <tbody>
        {subscriptions.map((each) => (
          <tr key={each.id}>
            <th scope="row">
              <a class="breakable" href={linkTo(['subscription', each.id])}>
                {targetOf(each)}
              </a>
              {each.description !== null && <span class="under">{each.description}</span>}
              {each.origin === 'STATUS_CALLBACK' && <span class="under">callback of requests</span>}
            </th>
            <td>
              <SubscriptionState subscription={each} />
            </td>
            <td class="wide-only breakable">{each.types.map(shortType).join(', ')}</td>
            <td class="wide-only number">
              {each.lastDeliveryAt === null ? '–' : <When at={each.lastDeliveryAt} ago />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The part of an event type that differs from other types. */
export const shortType = (type: string): string =>
  type === '*' ? 'all events' : type.replace(/^(com\.twilio\.comms-api|fanfare)\./, '');

function NewOne({ onClose }: { readonly onClose: () => void }) {
  const [url, setUrl] = useState('');
  const [types, setTypes] = useState('*');
  const [description, setDescription] = useState('');
  const [made, setMade] = useState<SubscriptionWithSecret | null>(null);
  const action = useAction();
  const make = () =>
    action.run(async () => {
      setMade(
        await client.subscriptions.create({
          url: url.trim(),
          types: types.split(/[\s,]+/).filter((each) => each !== ''),
          ...(description === '' ? {} : { description }),
        }),
      );
    });
  return (
    <Dialog title="New subscription" onClose={onClose}>
      {made === null ? (
        <form
          class="dialog-text"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <Field label="URL">
            {(ids) => (
              <input
                {...ids}
                class="mono"
                type="url"
                required
                placeholder="https://"
                value={url}
                onInput={(event) => setUrl(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field
            label="Event types"
            hint="Separated by commas. Write * for all events, or at the end of a type for any ending."
          >
            {(ids) => (
              <input
                {...ids}
                class="mono"
                value={types}
                onInput={(event) => setTypes(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Description (optional)">
            {(ids) => (
              <input
                {...ids}
                value={description}
                onInput={(event) => setDescription(event.currentTarget.value)}
              />
            )}
          </Field>
          {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
          <div class="dialog-actions">
            <Button onClick={onClose}>Not now</Button>
            <Button type="submit" tone="main" isBusy={action.isBusy}>
              Create
            </Button>
          </div>
        </form>
      ) : (
        <>
          <div class="dialog-text">
            <Notice tone="good">
              Copy the secret that signs deliveries now. It is not shown again.
            </Notice>
            <Copyable text={made.secret} what="the secret" />
          </div>
          <div class="dialog-actions">
            <Button onClick={onClose}>Close</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
