/** The messages of an operation. The dashboard reads and draws one page at a time, whatever their number. */
import { useState } from 'preact/hooks';
import type { SearchEmailsRequest, SearchMessagesRequest } from '@fanfare/client';
import { client } from '../api.ts';
import { isLive, statusLabel, type AnyOperation, type Kind } from '../counters.ts';
import { addressOf } from '../export.ts';
import { useLoaded, usePageTokens, useSettled } from '../hooks.ts';
import { linkTo } from '../router.ts';
import { Empty, Field, Pager, Section, Shown, StatusChip, When } from '../ui/parts.tsx';

const PAGE_SIZE = 50;
const BUSY_MS = 4_000;

const STATUSES: Readonly<Record<Kind, readonly string[]>> = {
  messages: [
    'SCHEDULED',
    'QUEUED',
    'SENT',
    'DELIVERED',
    'READ',
    'UNDELIVERED',
    'FAILED',
    'CANCELED',
  ],
  emails: [
    'SCHEDULED',
    'QUEUED',
    'SENT',
    'DELIVERED',
    'OPENED',
    'UNDELIVERED',
    'FAILED',
    'CANCELED',
  ],
};
const CHANNELS = ['SMS', 'RCS', 'WHATSAPP'];

export function OperationMessages(props: {
  readonly kind: Kind;
  readonly operation: AnyOperation;
}) {
  const { kind, operation } = props;
  const [status, setStatus] = useState('');
  const [channel, setChannel] = useState('');
  const [address, setAddress] = useState('');
  const filter = useSettled(`${operation.id} ${status} ${channel} ${address.trim()}`, 250);
  const pages = usePageTokens(filter);
  const loaded = useLoaded(
    `${filter} ${pages.token}`,
    (signal) =>
      readPage(
        kind,
        {
          operationId: operation.id,
          status: (status || undefined) as SearchMessagesRequest['status'],
          channel: (channel || undefined) as SearchMessagesRequest['channel'],
          address: address.trim() || undefined,
        },
        pages.token,
        signal,
      ),
    isLive(operation) ? BUSY_MS : null,
  );
  const noun = kind === 'emails' ? 'E-mails' : 'Messages';
  return (
    <Section title={noun}>
      <form
        class="filters"
        role="search"
        aria-label={`Filter ${noun.toLowerCase()}`}
        onSubmit={(event) => event.preventDefault()}
      >
        <Field label="Status">
          {(ids) => (
            <select
              {...ids}
              value={status}
              onInput={(event) => setStatus(event.currentTarget.value)}
            >
              <option value="">Any</option>
              {STATUSES[kind].map((each) => (
                <option key={each} value={each}>
                  {statusLabel(each)}
                </option>
              ))}
            </select>
          )}
        </Field>
        {kind === 'messages' && (
          <Field label="Channel">
            {(ids) => (
              <select
                {...ids}
                value={channel}
                onInput={(event) => setChannel(event.currentTarget.value)}
              >
                <option value="">Any</option>
                {CHANNELS.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field label="Address" class="grow">
          {(ids) => (
            <input
              {...ids}
              class="mono"
              type="search"
              placeholder={kind === 'emails' ? 'ada@example.com' : '+15005560000'}
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          )}
        </Field>
      </form>
      <Shown of={loaded} lines={8}>
        {({ rows, next }) =>
          rows.length === 0 ? (
            <Empty title={`No ${noun.toLowerCase()} match these filters.`} />
          ) : (
            <>
              <MessageTable kind={kind} rows={rows} />
              <Pager pages={pages} next={next} count={rows.length} />
            </>
          )
        }
      </Shown>
    </Section>
  );
}

interface Row {
  readonly id: string;
  readonly address: string;
  readonly status: string;
  readonly channel: string;
  readonly from: string;
  readonly updatedAt: Date;
}

async function readPage(
  kind: Kind,
  filter: SearchMessagesRequest,
  pageToken: string | undefined,
  signal: AbortSignal,
): Promise<{ rows: Row[]; next: string | null }> {
  const paging = { pageToken, pageSize: PAGE_SIZE };
  if (kind === 'messages') {
    const list = await client.messages.search({ ...filter, ...paging }, { signal });
    const rows = list.messages.map((each) => ({
      ...each,
      address: addressOf(each.to[0]),
      channel: each.from.channel,
      from: each.from.address,
    }));
    return { rows, next: list.pagination.next };
  }
  const { channel: _none, sessionId: _session, profile: _profile, tags: _tags, ...rest } = filter;
  const list = await client.emails.search({ ...rest, ...paging } as SearchEmailsRequest, {
    signal,
  });
  const rows = list.emails.map((each) => ({
    ...each,
    address: addressOf(each.to[0]),
    channel: 'EMAIL',
    from: each.from.address,
  }));
  return { rows, next: list.pagination.next };
}

function MessageTable({ kind, rows }: { readonly kind: Kind; readonly rows: readonly Row[] }) {
  const query = kind === 'emails' ? { kind } : {};
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">To</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide-only">
            Channel and sender
          </th>
          <th scope="col" class="number">
            Updated
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <th scope="row">
              <a class="mono breakable" href={linkTo(['message', row.id], query)}>
                {row.address}
              </a>
            </th>
            <td>
              <StatusChip status={row.status} />
            </td>
            <td class="wide-only">
              <span class="channel">{row.channel}</span> {row.from}
            </td>
            <td class="number">
              <When at={row.updatedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
