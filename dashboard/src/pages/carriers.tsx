/** State of the carriers: connections, windows, throttling, queues. All but the queues are of the node that answers. */
import type { CarrierList } from '@fanfare/client';
import { client } from '../api.ts';
import { formatDuration, formatNumber } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { Icon } from '../ui/icon.tsx';
import { LiveBadge } from '../ui/live-badge.tsx';
import { Empty, PageHead, Shown } from '../ui/parts.tsx';

const EVERY_MS = 3_000;

export function Carriers() {
  const loaded = useLoaded(
    'carriers',
    (signal) => client.system.listCarriers({ signal }),
    EVERY_MS,
  );
  return (
    <>
      <PageHead title="Carriers">
        <LiveBadge at={loaded.at} error={loaded.error} />
      </PageHead>
      <Shown of={loaded}>
        {({ carriers }) =>
          carriers.length === 0 ? (
            <Empty title="No carriers yet.">
              <p>Add a carrier to the configuration of the server.</p>
            </Empty>
          ) : (
            <ul class="carrier-list">
              {carriers.map((carrier) => (
                <Row key={carrier.name} carrier={carrier} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

type Carrier = CarrierList['carriers'][number];

/** The state in a word, and its colour. */
function judge({ state }: Carrier): { readonly words: string; readonly key: string } {
  if (state === null) return { words: 'Not on this node', key: 'queued' };
  const { connections, connected } = state;
  if (connections !== null && connected !== null && connections > 0) {
    if (connected === 0) return { words: 'Down', key: 'failed' };
    if (connected < connections) return { words: 'Partly connected', key: 'undelivered' };
  }
  return state.throttled
    ? { words: 'Throttled', key: 'undelivered' }
    : { words: 'Up', key: 'delivered' };
}

function Row({ carrier }: { readonly carrier: Carrier }) {
  const { state } = carrier;
  const verdict = judge(carrier);
  return (
    <li class="carrier">
      <div>
        <h2>{carrier.name}</h2>
        <p class="channel">{carrier.channels.join(', ')}</p>
        {state?.detail != null && (
          <p class="bad small">
            <Icon name="alert" /> {state.detail}
          </p>
        )}
      </div>
      <dl>
        <dt>State</dt>
        <dd>
          <span class="chip">
            <span class={`dot s-${verdict.key}`} aria-hidden="true" />
            {verdict.words}
          </span>
        </dd>
      </dl>
      <dl>
        <dt>Connections</dt>
        <dd>
          {state === null || state.connections === null
            ? '–'
            : `${formatNumber(state.connected ?? 0)} of ${formatNumber(state.connections)}`}
        </dd>
      </dl>
      <dl>
        <dt>In flight</dt>
        <dd>
          {state === null
            ? '–'
            : `${formatNumber(state.inFlight)} of ${formatNumber(state.window)}`}
          {state !== null && state.window < state.windowMax && (
            <span class="muted"> (maximum {formatNumber(state.windowMax)})</span>
          )}
          {state !== null && (
            <span class="meter" aria-hidden="true">
              <span
                style={{
                  width: `${Math.min(100, (state.inFlight / Math.max(1, state.window)) * 100)}%`,
                }}
              />
            </span>
          )}
        </dd>
      </dl>
      <dl>
        <dt>Queue</dt>
        <dd>
          {formatNumber(carrier.queueMessages)}
          {carrier.queueMessages > 0 && (
            <span class="muted"> · oldest {formatDuration(carrier.queueAgeSeconds)}</span>
          )}
        </dd>
      </dl>
    </li>
  );
}
