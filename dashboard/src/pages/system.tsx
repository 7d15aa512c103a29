/** The installation: nodes, queue, database. */
import type { ComponentChildren } from 'preact';
import type { System } from '@fanfare/client';
import { client } from '../api.ts';
import { formatBytes, formatDuration, formatNumber } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { LiveBadge } from '../ui/live-badge.tsx';
import { PageHead, Section, Shown, When } from '../ui/parts.tsx';

const EVERY_MS = 5_000;

export function SystemPage() {
  const loaded = useLoaded<System>('system', (signal) => client.system.fetch({ signal }), EVERY_MS);
  return (
    <>
      <PageHead title="System">
        <LiveBadge at={loaded.at} error={loaded.error} />
      </PageHead>
      <Shown of={loaded} lines={8}>
        {(system) => <Parts system={system} />}
      </Shown>
    </>
  );
}

type Pair = readonly [what: string, value: ComponentChildren];

function Pairs({ pairs }: { readonly pairs: readonly Pair[] }) {
  return (
    <dl class="pairs">
      {pairs.map(([what, value]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Parts({ system }: { readonly system: System }) {
  const { node, queue, database } = system;
  return (
    <div class="system">
      <Section title="Queue">
        <Pairs
          pairs={[
            ['Messages due', formatNumber(queue.messages)],
            ['Longest wait', queue.messages === 0 ? '–' : formatDuration(queue.ageSeconds)],
            ['Batches ready or in progress', formatNumber(queue.readyBatches)],
            ['Scheduled batches', formatNumber(queue.waitingBatches)],
            ['Outbox events not yet in the event log', formatNumber(system.outboxPending)],
          ]}
        />
      </Section>
      <Section title="Nodes">
        <Pairs
          pairs={[
            ['Sending nodes', formatNumber(system.dispatchNodes)],
            ['Responding node', node.host],
            ['Roles of this node', node.roles.join(', ')],
            ['Running since', <When key="since" at={node.startedAt} />],
            ['Memory', formatBytes(node.memoryBytes)],
            ['Node.js', node.nodeVersion],
          ]}
        />
      </Section>
      <Section title="Database">
        <Pairs
          pairs={[
            ['PostgreSQL', `${database.version}${database.embedded ? ', embedded' : ''}`],
            ['Size', formatBytes(database.sizeBytes)],
            [
              'Connections',
              `${formatNumber(database.connections)} of ${formatNumber(database.connectionsMax)}`,
            ],
          ]}
        />
      </Section>
    </div>
  );
}
