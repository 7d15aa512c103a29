/** Handlers of senders: list, find, resolve. Extensions: add, change, delete. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type Problem } from '../../domain/errors.ts';
import { decodeTypeId, encodeTypeId } from '../../domain/ids.ts';
import type { Address, AskedChannel, Channel } from '../../domain/message.ts';
import { defaultUnit, type RateUnit } from '../../domain/rate-limit.ts';
import { findQuietProblem, type QuietHours } from '../../domain/quiet-hours.ts';
import { listCandidates } from '../../domain/routing.ts';
import {
  ALL_CHANNELS_PREFERRED,
  findSenderAddressProblem,
  normaliseSenderAddress,
  orderChannels,
  senderKey,
  toPlanned,
  type Sender,
  type SenderStatus,
} from '../../domain/sender.ts';
import type { ChannelControls } from '../../domain/send-request.ts';
import type { Store } from '../../store/store.ts';
import {
  readListQuery,
  UUID_MAX,
  UUID_MIN,
  type ListQuery,
  type PagingQuery,
} from '../edge/query.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';

export interface SenderQuery extends ListQuery {
  readonly channel?: AskedChannel;
  readonly status?: SenderStatus;
}

interface SenderBody {
  readonly carrier?: string;
  readonly displayName?: string | null;
  readonly status?: SenderStatus;
  readonly default?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly throughput?: number | null;
  readonly throughputUnit?: RateUnit;
  readonly dailyCap?: number | null;
  readonly quietHours?: QuietHours | null;
}

/** An address as `from` has it: of a message, of an e-mail, or credentials of push notifications. */
type NamedSender =
  | { readonly address: string; readonly channel: Channel }
  | { readonly address: string; readonly name?: string }
  | { readonly fcm?: string; readonly apn?: string };

interface ResolveBody {
  readonly recipientAddresses: readonly Address[];
  readonly senderPoolId?: string;
  readonly senderAddresses?: readonly NamedSender[];
  readonly channels?: ChannelControls;
}

/** Number of senders for a request to resolve that names none: the newest ones. */
const RESOLVE_SENDERS_MAX = 10_000;

export function createSenderHandlers(deps: {
  readonly store: Store;
  readonly carriers: Readonly<Record<string, readonly Channel[]>>;
}) {
  const { senders } = deps.store;

  /** The carrier named, or the only one that takes the channel. */
  function chooseCarrier(channel: Channel, name: string | undefined): string {
    const able = Object.keys(deps.carriers).filter((each) =>
      deps.carriers[each]?.includes(channel),
    );
    const [only, ...others] = able;
    if (name !== undefined && able.includes(name)) return name;
    if (name === undefined && only !== undefined && others.length === 0) return only;
    throw refuseValue(
      name === undefined
        ? `Name the carrier. Carriers with ${channel}: ${able.join(', ') || 'none'}.`
        : `There is no carrier "${name.slice(0, 60)}" with ${channel}. Carriers with it: ${able.join(', ') || 'none'}.`,
      '$.carrier',
    );
  }

  async function own(request: FastifyRequest): Promise<Sender> {
    const sender = await find(request);
    if (sender.configured)
      throw refuse('sender', 'The sender comes from the configuration; change it there.');
    return sender;
  }

  async function find(request: FastifyRequest): Promise<Sender> {
    const { senderId } = request.params as { senderId: string };
    const id = decodeTypeId('comms_sender', senderId);
    const sender = id === null ? null : await senders.fetchSender(request.account.id, id);
    if (sender === null) throw refuse('notFound', 'There is no such sender.');
    return sender;
  }

  return {
    async list(request: FastifyRequest) {
      const query = request.query as SenderQuery;
      return listSenderPage(deps.store, request, query, { key: null, poolId: null }, query);
    },

    async search(request: FastifyRequest) {
      const body = request.body as SenderQuery & { address: string; channel: AskedChannel };
      const key = body.channel === 'PUSH' ? null : senderKey(body.channel, body.address);
      const paging = { ...body, ...(request.query as PagingQuery) };
      return listSenderPage(deps.store, request, body, { key, poolId: null }, paging);
    },

    async fetch(request: FastifyRequest) {
      return serializeSender(await find(request));
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      const body = request.body as SenderBody & { address: string; channel: Channel };
      checkQuiet(body);
      const wrong = findSenderAddressProblem(body.channel, body.address);
      if (wrong !== null)
        throw refuseValue(wrong, '$.address', body.channel === 'EMAIL' ? 'invalid' : 'from');
      const sender = await senders.createSender(request.account.id, {
        channel: body.channel,
        address: normaliseSenderAddress(body.channel, body.address),
        carrier: chooseCarrier(body.channel, body.carrier),
        displayName: body.displayName ?? null,
        status: body.status ?? 'ACTIVATED',
        isDefault: body.default ?? false,
        tags: body.tags ?? {},
        throughput: body.throughput ?? null,
        throughputUnit: body.throughputUnit ?? defaultUnit(body.channel),
        dailyCap: body.dailyCap ?? null,
        quietHours: body.quietHours ?? null,
      });
      if (sender === null)
        throw refuse(
          'conflict',
          'A sender with this channel and address exists already; use or change it.',
        );
      if (sender === 'taken') throw refuse('senderOwned');
      const created = serializeSender(sender);
      return reply
        .code(201)
        .header('location', `${request.origin}/v1/Senders/${created.id}`)
        .send(created);
    },

    async update(request: FastifyRequest) {
      const { id, channel } = await own(request);
      const { default: isDefault, carrier, ...rest } = request.body as SenderBody;
      checkQuiet(rest);
      const updated = await senders.updateSender(request.account.id, id, {
        ...rest,
        ...(carrier === undefined ? {} : { carrier: chooseCarrier(channel, carrier) }),
        ...(isDefault === undefined ? {} : { isDefault }),
      });
      if (updated === null) throw refuse('notFound', 'There is no such sender.');
      if (updated === 'taken') throw refuse('senderOwned');
      return serializeSender(updated);
    },

    async remove(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await own(request);
      await senders.deleteSender(request.account.id, id);
      return reply.code(204).send();
    },

    /** Which sender would reach which address, in the order in which they would be tried. */
    async resolve(request: FastifyRequest) {
      const body = request.body as ResolveBody;
      if (body.senderPoolId !== undefined && body.senderAddresses !== undefined)
        throw refuseValue('Give senderPoolId or senderAddresses, not both.', '$.senderAddresses');
      const found = await findCandidates(deps.store, request.account.id, body);
      const ordered = orderChannels(body.channels, ALL_CHANNELS_PREFERRED).flatMap((channel) =>
        found.filter((each) => each.channel === channel),
      );
      const plan = { senders: ordered.map(toPlanned) };
      const byId = new Map(found.map((each) => [each.id, each]));
      const results = body.recipientAddresses.flatMap((to) =>
        listCandidates([to], plan).flatMap(({ sender }, priority) => {
          const known = byId.get(sender.senderId ?? '');
          return known === undefined
            ? []
            : { from: serializeResolved(known, sender.address), to, priority };
        }),
      );
      return { results };
    },
  };
}

function checkQuiet({ quietHours }: SenderBody): void {
  const problem = quietHours ? findQuietProblem(quietHours) : null;
  if (problem !== null) throw refuseValue(problem, '$.quietHours.end');
}

/** A page of all senders, or of the members of a pool. */
export async function listSenderPage(
  store: Store,
  request: FastifyRequest,
  query: SenderQuery,
  where: { readonly key: string | null; readonly poolId: string | null },
  paging: PagingQuery,
) {
  const { page, range } = readListQuery(query, paging);
  const { channel = null, status = null } = query;
  const rows =
    channel === 'PUSH'
      ? []
      : await store.senders.listSenders(
          request.account.id,
          { ...where, channel, status, ...range },
          page.limit,
        );
  return page.answer('senders', rows, serializeSender);
}

async function findCandidates(
  store: Store,
  accountId: number,
  body: ResolveBody,
): Promise<Sender[]> {
  const { senderPoolId, senderAddresses } = body;
  if (senderAddresses !== undefined) return findNamed(store, accountId, senderAddresses);
  const poolId = senderPoolId === undefined ? null : decodeTypeId('comms_senderpool', senderPoolId);
  if (poolId !== null && (await store.senderPools.fetchPool(accountId, poolId)) === null)
    throw refuseValue('There is no such sender pool.', '$.senderPoolId', 'sender');
  return store.senders.listSenders(
    accountId,
    {
      channel: null,
      status: 'ACTIVATED',
      key: null,
      poolId,
      after: UUID_MIN,
      before: UUID_MAX,
    },
    RESOLVE_SENDERS_MAX,
  );
}

/** The senders of these addresses, each once. A sender of a whole domain has the address that names it. */
async function findNamed(
  store: Store,
  accountId: number,
  named: readonly NamedSender[],
): Promise<Sender[]> {
  const addresses = named.flatMap((each) => {
    if (!('address' in each)) return [];
    const channel = 'channel' in each ? each.channel : 'EMAIL';
    return { channel, address: normaliseSenderAddress(channel, each.address) };
  });
  const found = await store.senders.findSendersOf(accountId, addresses);
  const byAddress = new Map<string, Sender>();
  for (const { sender, position } of found) {
    if (sender.status === 'DEACTIVATED') continue;
    const isWhole = sender.channel === 'EMAIL' && sender.address.startsWith('*@');
    const address = (isWhole && addresses[position]?.address) || sender.address;
    byAddress.set(`${sender.id} ${address.toLowerCase()}`, { ...sender, address });
  }
  return [...byAddress.values()];
}

function refuseValue(
  message: string,
  context: string,
  name: 'invalid' | 'from' | 'sender' = 'invalid',
): Refusal {
  const problem: Problem = { code: ERRORS[name].code, message, context };
  return new Refusal(400, [problem]);
}

function serializeSender(sender: Sender) {
  return {
    id: encodeTypeId('comms_sender', sender.id),
    displayName: sender.displayName,
    address: sender.address,
    channel: sender.channel,
    status: sender.status,
    tags: sender.tags,
    carrier: sender.carrier,
    default: sender.isDefault,
    throughput: sender.throughput,
    throughputUnit: sender.throughputUnit,
    dailyCap: sender.dailyCap,
    quietHours: sender.quietHours,
    configured: sender.configured,
    createdAt: sender.createdAt,
    updatedAt: sender.updatedAt,
  };
}

function serializeResolved({ id, displayName, channel }: Sender, address: string) {
  return { senderId: encodeTypeId('comms_sender', id), displayName, channel, address };
}
