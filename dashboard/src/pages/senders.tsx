/** Senders with their limits, and pools of senders. */
import { useState } from 'preact/hooks';
import type { Sender } from '@fanfare/client';
import { client } from '../api.ts';
import { plural } from '../format.ts';
import { useLoaded, usePageTokens } from '../hooks.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Button, Empty, PageHead, Pager, Section, Shown } from '../ui/parts.tsx';
import { SenderForm } from './sender-form.tsx';
import { Pools } from './sender-pools.tsx';

export function Senders() {
  const pages = usePageTokens('');
  const loaded = useLoaded(`${pages.token}`, (signal) =>
    client.senders.list({ pageToken: pages.token, pageSize: 100 }, { signal }),
  );
  const [editing, setEditing] = useState<Sender | 'new' | null>(null);
  const [deleting, setDeleting] = useState<Sender | null>(null);
  return (
    <>
      <PageHead title="Senders and pools" />
      <Section
        title="Senders"
        actions={
          <Button onClick={() => setEditing('new')}>
            <Icon name="plus" /> Add sender
          </Button>
        }
      >
        <Shown of={loaded}>
          {({ senders, pagination }) =>
            senders.length === 0 ? (
              <Empty title="No senders yet.">
                <p>Add a sender to send messages from its address.</p>
              </Empty>
            ) : (
              <>
                <SenderTable senders={senders} onEdit={setEditing} onDelete={setDeleting} />
                <Pager pages={pages} next={pagination.next} count={senders.length} />
              </>
            )
          }
        </Shown>
      </Section>
      <Pools senders={loaded.value?.senders ?? []} />
      {editing !== null && (
        <SenderForm
          sender={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onDone={loaded.reload}
        />
      )}
      {deleting !== null && (
        <Confirm
          title="Delete this sender?"
          word="Delete"
          action={async () => {
            await client.senders.delete(deleting.id);
            loaded.reload();
          }}
          onClose={() => setDeleting(null)}
        >
          <p>
            <b>{deleting.address}</b> is removed from its pools. Operations that already use it
            continue.
          </p>
        </Confirm>
      )}
    </>
  );
}

function SenderTable(props: {
  readonly senders: readonly Sender[];
  readonly onEdit: (sender: Sender) => void;
  readonly onDelete: (sender: Sender) => void;
}) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Sender</th>
          <th scope="col">State</th>
          <th scope="col" class="wide-only">
            Carrier
          </th>
          <th scope="col" class="wide-only">
            Limits
          </th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.senders.map((sender) => (
          <tr key={sender.id}>
            <th scope="row">
              <span class="channel">{sender.channel}</span>{' '}
              <span class="breakable">{sender.address}</span>
              {sender.displayName !== null && <span class="under">{sender.displayName}</span>}
            </th>
            <td>
              <span class="chip">
                <span
                  class={`dot s-${sender.status === 'ACTIVATED' ? 'delivered' : 'queued'}`}
                  aria-hidden="true"
                />
                {sender.status === 'ACTIVATED' ? 'Active' : 'Inactive'}
              </span>
              {sender.default && <span class="under">default</span>}
            </td>
            <td class="wide-only">{sender.carrier}</td>
            <td class="wide-only">{limitsOf(sender)}</td>
            <td class="number">
              {sender.configured ? (
                <span class="muted" title="Change this sender in the configuration of the server.">
                  configured
                </span>
              ) : (
                <span class="row-actions">
                  <button
                    type="button"
                    class="as-link"
                    aria-label={`Edit ${sender.address}`}
                    onClick={() => props.onEdit(sender)}
                  >
                    Edit
                  </button>
                  <button
                    type="button"
                    class="as-link"
                    aria-label={`Delete ${sender.address}`}
                    onClick={() => props.onDelete(sender)}
                  >
                    Delete
                  </button>
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The limits of a sender in words. */
function limitsOf({ throughput, throughputUnit, dailyCap, quietHours }: Sender): string {
  const unit = throughputUnit === 'SEGMENTS' ? 'segment' : 'message';
  const parts = [
    throughput === null ? null : `${plural(throughput, unit)} per second`,
    dailyCap === null ? null : `${plural(dailyCap, unit)} per day`,
    quietHours === null ? null : `quiet hours ${quietHours.start} to ${quietHours.end}`,
  ];
  return parts.filter((part) => part !== null).join(', ') || 'none';
}
