/** Pools: groups of senders that share messages. */
import { useState } from 'preact/hooks';
import type { Sender, SenderPool } from '@fanfare/client';
import { client } from '../api.ts';
import { useAction, useLoaded } from '../hooks.ts';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Button, Empty, Field, Notice, Section, Shown, When } from '../ui/parts.tsx';

export function Pools({ senders }: { readonly senders: readonly Sender[] }) {
  const loaded = useLoaded('pools', (signal) =>
    client.senderPools.list({ pageSize: 100 }, { signal }),
  );
  const [editing, setEditing] = useState<SenderPool | 'new' | null>(null);
  const [deleting, setDeleting] = useState<SenderPool | null>(null);
  return (
    <Section
      title="Pools"
      actions={
        <Button onClick={() => setEditing('new')}>
          <Icon name="plus" /> Create pool
        </Button>
      }
    >
      <Shown of={loaded}>
        {({ senderPools }) =>
          senderPools.length === 0 ? (
            <Empty title="No pools yet.">
              <p>A pool spreads messages over its senders. A recipient keeps the same sender.</p>
            </Empty>
          ) : (
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col" class="wide-only number">
                    Updated
                  </th>
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {senderPools.map((pool) => (
                  <tr key={pool.id}>
                    <th scope="row">{pool.name}</th>
                    <td class="wide-only number">
                      <When at={pool.updatedAt} />
                    </td>
                    <td class="number">
                      <span class="row-actions">
                        <button
                          type="button"
                          class="as-link"
                          aria-label={`Edit ${pool.name}`}
                          onClick={() => setEditing(pool)}
                        >
                          Edit
                        </button>
                        <button
                          type="button"
                          class="as-link"
                          aria-label={`Delete ${pool.name}`}
                          onClick={() => setDeleting(pool)}
                        >
                          Delete
                        </button>
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
      {editing !== null && (
        <PoolForm
          pool={editing === 'new' ? null : editing}
          senders={senders}
          onClose={() => setEditing(null)}
          onDone={loaded.reload}
        />
      )}
      {deleting !== null && (
        <Confirm
          title={`Delete the pool ${deleting.name}?`}
          word="Delete"
          action={async () => {
            await client.senderPools.delete(deleting.id);
            loaded.reload();
          }}
          onClose={() => setDeleting(null)}
        >
          <p>Its senders are kept. Operations that already use it continue.</p>
        </Confirm>
      )}
    </Section>
  );
}

function PoolForm(props: {
  readonly pool: SenderPool | null;
  readonly senders: readonly Sender[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { pool } = props;
  const [name, setName] = useState(pool?.name ?? '');
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(
    pool === null ? new Set() : null,
  );
  const action = useAction();
  const members = useLoaded(pool?.id ?? '', async (signal) => {
    if (pool === null) return new Set<string>();
    const list = await client.senderPools.listSenders(pool.id, { pageSize: 1_000 }, { signal });
    return new Set(list.senders.map(({ id }) => id));
  });
  const current = chosen ?? members.value ?? new Set<string>();
  const toggle = (id: string) => {
    const next = new Set(current);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };

  async function save(): Promise<void> {
    if (pool === null)
      await client.senderPools.create({
        name: name.trim(),
        senders: [...current].map((senderId) => ({ senderId })),
      });
    else {
      const before = members.value ?? new Set<string>();
      if (name.trim() !== pool.name)
        await client.senderPools.update(pool.id, { name: name.trim() });
      const added = [...current].filter((id) => !before.has(id));
      if (added.length > 0)
        await client.senderPools.addSender(
          pool.id,
          added.map((senderId) => ({ senderId })),
        );
      for (const id of before)
        if (!current.has(id)) await client.senderPools.removeSender(pool.id, id);
    }
    props.onDone();
    props.onClose();
  }

  return (
    <Dialog title={pool === null ? 'New pool' : `Edit ${pool.name}`} onClose={props.onClose}>
      <form
        class="dialog-text"
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(save);
        }}
      >
        <Field label="Name">
          {(ids) => (
            <input
              {...ids}
              required
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <fieldset class="members">
          <legend>Senders</legend>
          {props.senders.map((sender) => (
            <label key={sender.id} class="check-field">
              <input
                type="checkbox"
                checked={current.has(sender.id)}
                onChange={() => toggle(sender.id)}
              />
              <span class="channel">{sender.channel}</span> {sender.address}
            </label>
          ))}
        </fieldset>
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
        <div class="dialog-actions">
          <Button onClick={props.onClose}>Not now</Button>
          <Button type="submit" tone="main" isBusy={action.isBusy}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
