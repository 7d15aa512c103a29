/** Addresses that receive no messages: search, add, import, remove. */
import { useRef, useState } from 'preact/hooks';
import type { Suppression } from '@fanfare/client';
import { client } from '../api.ts';
import { formatNumber, plural } from '../format.ts';
import { useAction, useLoaded, usePageTokens, useSettled } from '../hooks.ts';
import { readBack } from '../recipients.ts';
import { useList } from '../use-list.ts';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Button, Empty, Field, Notice, PageHead, Pager, Shown, When } from '../ui/parts.tsx';
import { ListChoices, ListProgress, ListResult } from './list-parts.tsx';

const PAGE_SIZE = 100;
/** Addresses of one request. */
const PART_MAX = 10_000;
const ADDRESS = /^\+[1-9]\d{1,14}$|^[^@\s]+@[^@\s]+$/;

export function Suppressions() {
  const [address, setAddress] = useState('');
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Suppression | null>(null);
  const wanted = useSettled(address.trim(), 250);
  const isSearch = ADDRESS.test(wanted);
  const pages = usePageTokens(isSearch ? wanted : '');
  const loaded = useLoaded(`${isSearch ? wanted : ''} ${pages.token}`, (signal) => {
    const paging = { pageToken: pages.token, pageSize: PAGE_SIZE };
    return isSearch
      ? client.suppressions.search({ address: wanted, ...paging }, { signal })
      : client.suppressions.list(paging, { signal });
  });
  return (
    <>
      <PageHead title="Suppressions">
        <Button tone="main" onClick={() => setAdding(true)}>
          <Icon name="plus" /> Add addresses
        </Button>
      </PageHead>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <Field label="Address" class="grow">
          {(ids) => (
            <input
              {...ids}
              type="search"
              class="mono"
              placeholder="+14155550102 or ada@example.com"
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          )}
        </Field>
      </form>
      <Shown of={loaded}>
        {({ suppressions, pagination }) =>
          suppressions.length === 0 ? (
            <Empty title={isSearch ? 'This address is not suppressed.' : 'No suppressions yet.'}>
              <p>
                Addresses on this list receive no messages. Recipients who answer STOP are added
                automatically.
              </p>
            </Empty>
          ) : (
            <>
              <Entries entries={suppressions} onRemove={setRemoving} />
              <Pager pages={pages} next={pagination.next} count={suppressions.length} />
            </>
          )
        }
      </Shown>
      {isAdding && (
        <Add
          onClose={() => {
            setAdding(false);
            loaded.reload();
          }}
        />
      )}
      {removing !== null && (
        <Confirm
          title="Send to this address again?"
          word="Remove address"
          action={async () => {
            await client.suppressions.remove(removing.id);
            loaded.reload();
          }}
          onClose={() => setRemoving(null)}
        >
          <p>
            <code>{removing.address}</code> can receive messages again. Remove it only if the
            recipient has asked for this.
          </p>
        </Confirm>
      )}
    </>
  );
}

function Entries(props: {
  readonly entries: readonly Suppression[];
  readonly onRemove: (entry: Suppression) => void;
}) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col" class="wide-only">
            Applies to
          </th>
          <th scope="col">Reason</th>
          <th scope="col" class="wide-only number">
            Added
          </th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.entries.map((entry) => (
          <tr key={entry.id}>
            <th scope="row" class="mono breakable">
              {entry.address}
            </th>
            <td class="wide-only">
              {entry.senderPoolId !== null
                ? 'one pool'
                : entry.senderId !== null
                  ? 'one sender'
                  : 'the account'}
            </td>
            <td class="breakable">{entry.reason ?? <span class="muted">–</span>}</td>
            <td class="wide-only number">
              <When at={entry.createdAt} />
            </td>
            <td class="number">
              <button
                type="button"
                class="as-link"
                aria-label={`Remove ${entry.address}`}
                onClick={() => props.onRemove(entry)}
              >
                Remove
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Add({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [fileName, setFileName] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [done, setDone] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const list = useList('ANY');
  const { recipients, table } = list;
  const action = useAction();
  const count = recipients?.count ?? 0;
  const add = () =>
    action.run(async () => {
      let [total, created] = [0, 0];
      if (recipients === null) return;
      for await (const group of readBack(recipients, PART_MAX)) {
        const part = await client.suppressions.import({
          addresses: group.flatMap((each) => ('address' in each ? [each.address] : [])),
          ...(reason === '' ? {} : { reason }),
        });
        total += part.total;
        created += part.created;
      }
      setDone(
        `${plural(created, 'address', 'addresses')} added; ${formatNumber(total - created)} already on the list.`,
      );
      // Rejected rows stay on the page.
      if (recipients.rejected !== 0) return;
      setText('');
      setFileName(null);
      list.take(null);
    });
  return (
    <Dialog title="Add addresses to suppress" onClose={onClose}>
      <div class="dialog-text">
        <Field
          label="Addresses, one per line"
          hint={
            recipients === null
              ? 'Phone numbers such as +14155550102, or e-mail addresses.'
              : plural(count, 'address', 'addresses')
          }
        >
          {(ids) => (
            <textarea
              {...ids}
              class="mono"
              rows={6}
              value={text}
              onInput={(event) => {
                const { value } = event.currentTarget;
                setText(value);
                setFileName(null);
                setDone(null);
                list.take(value.trim() === '' ? null : new Blob([value]));
              }}
            />
          )}
        </Field>
        <p>
          <Button onClick={() => input.current?.click()}>Choose a CSV file</Button>{' '}
          <span class="muted small">{fileName}</span>
          <input
            ref={input}
            class="hidden"
            type="file"
            tabIndex={-1}
            aria-label="CSV file of addresses"
            accept=".csv,.tsv,.txt,text/csv,text/plain"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file === undefined) return;
              setText('');
              setFileName(file.name);
              setDone(null);
              list.take(file);
              event.currentTarget.value = '';
            }}
          />
        </p>
        {list.error !== null && <Notice tone="bad">{list.error.words}</Notice>}
        {table?.columnProblem != null && (
          <Notice tone="bad">
            {table.columnProblem} Name the column with the addresses “phone” or “email” in the
            header row, or list addresses only.
          </Notice>
        )}
        {(table !== null || list.error !== null) && <ListChoices list={list} hasNumbers />}
        <ListProgress count={list.count} />
        {recipients !== null && <ListResult recipients={{ ...recipients, missing: [] }} />}
        <Field label="Reason (optional)">
          {(ids) => (
            <input
              {...ids}
              maxLength={256}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          )}
        </Field>
        {done !== null && <Notice tone="good">{done}</Notice>}
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      </div>
      <div class="dialog-actions">
        <Button onClick={onClose}>Close</Button>
        <Button
          tone="main"
          isBusy={action.isBusy}
          disabled={count === 0}
          onClick={() => void add()}
        >
          Add
        </Button>
      </div>
    </Dialog>
  );
}
