/** Reports on operations by channel, sender, error and time, and requests to send one again. */
import type { FastifyRequest } from 'fastify';
import { findError } from '../../domain/errors.ts';
import { contentSid, decodeTypeId, encodeTypeId } from '../../domain/ids.ts';
import { MESSAGE_STATUSES, type MessageStatus } from '../../domain/message.ts';
import type { OperationKind, PlannedSender, SendPlan } from '../../domain/operation.ts';
import { listCandidates } from '../../domain/routing.ts';
import type { ErrorCount, OperationRequest, Store, RouteCount } from '../../store/store.ts';
import { infoUrlOf, refuse } from '../../shapes/refusal.ts';
import { QueryReader } from '../edge/query.ts';

export function createReportHandlers({ store }: { readonly store: Store }, kind: OperationKind) {
  async function find(request: FastifyRequest) {
    const { operationId } = request.params as { operationId: string };
    const id = decodeTypeId('comms_operation', operationId);
    const accountId = request.account.id;
    const operation = id && (await store.operations.fetchOperation(accountId, kind, id));
    const asked = id && (await store.reports.fetchRequests(accountId, [id])).get(id);
    if (!operation || !asked)
      throw refuse('notFound', 'There is no such operation, or it is older than the retention.');
    return { id: operation.id, accountId, asked };
  }

  return {
    /** Everything at once: a page that shows it asks again and again. */
    async report(request: FastifyRequest) {
      const { id, accountId, asked } = await find(request);
      const { senders } = asked.plan;
      const isPool = new Set(senders.map(({ channel }) => channel)).size < senders.length;
      const [ways, errors, time] = await Promise.all([
        store.reports.countRoutes(accountId, id, isPool),
        store.reports.countErrors(accountId, id),
        store.reports.countOverTime(accountId, id),
      ]);
      return {
        ...serializeRequest(asked),
        senders: groupWays(ways, asked.plan),
        errors: errors.map((each) => serializeErrorCount(each, kind, request.origin)),
        ...time,
      };
    },

    /** A request that sends the operation again, to recipients whose messages have one of the statuses. */
    async request(request: FastifyRequest) {
      const { id, accountId, asked } = await find(request);
      // Erasure keeps the counters and nothing that could be sent again.
      if (Object.keys(asked.content).length === 0)
        throw refuse('notFound', 'The content and the recipients of this operation were erased.');
      const statuses = readStatuses(request);
      const rows = await store.reports.listRecipients(accountId, id, statuses);
      return {
        to: rows.map(({ address, channel, addresses, variables }) => ({
          ...(addresses === null ? { address, channel } : { addresses }),
          ...(variables === null ? {} : { variables }),
        })),
        content: serializeContent(asked.content),
        ...serializeFrom(asked.plan),
        ...(Object.keys(asked.tags).length === 0 ? {} : { tags: asked.tags }),
      };
    },
  };
}

function readStatuses(request: FastifyRequest): readonly MessageStatus[] {
  const { statuses = '' } = request.query as { statuses?: string };
  const words = statuses === '' ? [] : statuses.split(',');
  const known = MESSAGE_STATUSES.filter((each) => words.includes(each));
  const reader = new QueryReader();
  if (known.length !== new Set(words).size)
    reader.add(
      `Use statuses, separated by commas, of ${MESSAGE_STATUSES.join(', ')}.`,
      '$.statuses',
    );
  reader.finish();
  return known.length === 0 ? MESSAGE_STATUSES : known;
}

/** Characters of a content that a list shows. */
const EXCERPT_LENGTH = 140;

/** Fields by which people recognise an operation. */
export function serializeRequest({ content, tags, scheduledFor, expireAt }: OperationRequest) {
  return { excerpt: excerptOf(content), tags, scheduledFor, expireAt };
}

/** The first words of a content, as a template. */
function excerptOf(content: OperationRequest['content']): string {
  const words: string[] = [];
  const collect = (value: unknown, name: string): void => {
    if (typeof value === 'string') {
      if (/^(text|subject|title|description|body)$/.test(name)) words.push(value);
    } else if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value))
        collect(each, /^\d+$/.test(key) ? name : key);
  };
  collect(content, '');
  return (words[0] ?? '').slice(0, EXCERPT_LENGTH);
}

function serializeContent(content: OperationRequest['content']): object {
  if ('modules' in content) return content;
  if ('contentId' in content) return { contentId: contentSid(content.contentId) };
  if ('email' in content) return content;
  const { text, mediaUrls } = content;
  return {
    ...(text === null ? {} : { text }),
    ...(mediaUrls.length === 0 ? {} : { media: mediaUrls.map((url) => ({ url })) }),
  };
}

/** Empty if the request named no sender, as far as the plan shows. */
function serializeFrom({ senders }: SendPlan) {
  const [first] = senders;
  if (first?.senderPoolId !== undefined)
    return { from: { senderPoolId: encodeTypeId('comms_senderpool', first.senderPoolId) } };
  if (first === undefined || senders.length > 1) return {};
  return { from: { address: first.address, channel: first.channel } };
}

/** Counters by sender, the sender with the most messages first. */
function groupWays(ways: readonly RouteCount[], plan: SendPlan) {
  const groups = new Map<string, { sender: PlannedSender; counts: Map<string, number> }>();
  for (const { channel, status, candidate, addresses, count } of ways) {
    const sender =
      addresses === null
        ? plan.senders.find((each) => each.channel === channel)
        : listCandidates(addresses, plan)[candidate]?.sender;
    if (sender === undefined) continue;
    const key = `${sender.channel} ${sender.address}`;
    const group = groups.get(key) ?? { sender, counts: new Map<string, number>() };
    group.counts.set(status, (group.counts.get(status) ?? 0) + count);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ sender, counts }) => ({
      channel: sender.channel,
      address: sender.address,
      carrier: sender.carrier,
      total: [...counts.values()].reduce((sum, each) => sum + each, 0),
      statuses: MESSAGE_STATUSES.flatMap((status) => {
        const count = counts.get(status) ?? 0;
        return count === 0 ? [] : [{ status, count }];
      }),
    }))
    .toSorted((a, b) => b.total - a.total);
}

function serializeErrorCount(
  { code, detail, count, examples }: ErrorCount,
  kind: OperationKind,
  origin: string,
) {
  const entry = findError(code);
  const type = kind === 'MESSAGES' ? 'comms_message' : 'comms_email';
  return {
    code,
    message: entry?.message ?? detail ?? `Error ${code}.`,
    advice: entry?.advice ?? null,
    detail,
    infoUrl: infoUrlOf(code, origin),
    count,
    examples: examples.map(({ id, address }) => ({
      messageId: id === null ? null : encodeTypeId(type, id),
      address,
    })),
  };
}
