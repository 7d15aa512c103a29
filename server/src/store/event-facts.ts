/** The recipients, senders and tags of messages that events need, looked up at delivery. */
import { messageUuid } from '../domain/ids.ts';
import type { Address, AddressChannel } from '../domain/message.ts';
import type { OperationKind, SendPlan } from '../domain/operation.ts';
import type { EventRow } from '../domain/event.ts';
import type { Database } from './database.ts';
import { fetchInbound, type InboundMessage } from './inbound.ts';

/** Of an operation. */
export interface OperationFacts {
  readonly kind: OperationKind;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
}

/** Of a message; one that was erased has no addresses and no tags. */
export interface MessageFacts {
  readonly addresses: readonly Address[];
  /** Null: the tags of its operation. */
  readonly tags: Readonly<Record<string, string>> | null;
}

/** By UUID. Facts older than the retention are missing, and so are erased inbound messages. */
export interface EventFacts {
  readonly operations: ReadonlyMap<string, OperationFacts>;
  readonly messages: ReadonlyMap<string, MessageFacts>;
  readonly inbound: ReadonlyMap<string, InboundMessage>;
}

interface MessageRow {
  id: string;
  address: string;
  address_channel: AddressChannel;
  addresses: Address[] | null;
  tags: Record<string, string> | null;
  deleted_at: Date | null;
}

/** All facts that the events of one account need. */
export async function loadEventFacts(
  database: Database,
  accountId: number,
  events: readonly EventRow[],
): Promise<EventFacts> {
  const received = events.filter(({ name }) => name === 'message.inbound');
  const sent = events.filter(({ name }) => name !== 'message.inbound');
  const [operations, messages, inbound] = await Promise.all([
    loadOperations(database, accountId, [...new Set(sent.map(({ subjectId }) => subjectId))]),
    loadMessages(
      database,
      accountId,
      sent.flatMap(({ subjectId, ordinals }) =>
        (ordinals ?? []).map((each) => messageUuid(subjectId, each)),
      ),
    ),
    Promise.all(received.map(({ subjectId }) => fetchInbound(database, accountId, subjectId))),
  ]);
  return {
    operations,
    messages,
    inbound: new Map(
      inbound.flatMap((each) =>
        each === null || each.deletedAt !== null ? [] : [[each.id, each] as const],
      ),
    ),
  };
}

async function loadOperations(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Map<string, OperationFacts>> {
  if (ids.length === 0) return new Map();
  const { rows } = await database.query<OperationFacts & { id: string }>(
    'select id, kind, plan, tags from operation where account_id = $1 and id = any($2::uuid[])',
    [accountId, ids],
  );
  return new Map(rows.map(({ id, ...facts }) => [id, facts]));
}

async function loadMessages(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Map<string, MessageFacts>> {
  if (ids.length === 0) return new Map();
  const { rows } = await database.query<MessageRow>(
    'select id, address, address_channel, addresses, tags, deleted_at from message where account_id = $1 and id = any($2::uuid[])',
    [accountId, `{${ids.join(',')}}`],
  );
  return new Map(
    rows.map(
      ({ id, address, address_channel: channel, addresses, tags, deleted_at: deletedAt }) => [
        id,
        deletedAt === null
          ? { addresses: addresses ?? [{ address, channel }], tags }
          : { addresses: [], tags: {} },
      ],
    ),
  );
}
