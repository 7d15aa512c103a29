/** Reports on operations by channel, sender, error and time, exports, and requests to send one again. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findError } from '../../domain/errors.ts';
import { contentSid, decodeTypeId, encodeTypeId } from '../../domain/ids.ts';
import { MESSAGE_STATUSES } from '../../domain/message.ts';
import { listBuckets, type OperationCounts } from '../../domain/operation-counts.ts';
import type { OperationKind, SendPlan } from '../../domain/operation.ts';
import type { Places } from '../../lib/fair-share.ts';
import type {
  ExampleRecipient,
  NamedRecipient,
  OperationRequest,
  Store,
} from '../../store/store.ts';
import { infoUrlOf, refuse } from '../../shapes/refusal.ts';
import { QueryReader } from '../edge/query.ts';
import { readExportQuery, readStatuses, sendExport, writePages } from './export.ts';

/** Errors that a report shows: the most frequent ones. */
const ERRORS_MAX = 100;

export function createReportHandlers(
  { store, exports }: { readonly store: Store; readonly exports: Places },
  kind: OperationKind,
) {
  async function find(request: FastifyRequest) {
    const { operationId } = request.params as { operationId: string };
    const id = decodeTypeId('comms_operation', operationId);
    const accountId = request.account.id;
    const operation = id && (await store.operations.fetchOperation(accountId, kind, id));
    const asked = id && (await store.reports.fetchRequests(accountId, [id])).get(id);
    if (!operation || !asked)
      throw refuse('notFound', 'There is no such operation, or it is older than the retention.');
    const { recipients } = operation.stats;
    return { accountId, asked, operation: { id: operation.id, recipients, plan: asked.plan } };
  }

  return {
    /** Everything at once: a page that shows it asks again and again. */
    async report(request: FastifyRequest) {
      const { accountId, asked, operation } = await find(request);
      const counts = await store.reports.countOperation({ accountId, ...operation });
      const errors = counts.errors.toSorted(([codeA, a], [codeB, b]) => b - a || codeA - codeB);
      const shown = errors.slice(0, ERRORS_MAX);
      const examples = await store.reports.fetchExamples(
        accountId,
        shown.flatMap(([, , ids]) => ids),
      );
      return {
        ...serializeRequest(asked),
        senders: groupSenders(counts, asked.plan),
        errors: shown.map((each) => serializeErrorCount(each, examples, kind, request.origin)),
        stepSeconds: counts.step,
        buckets: listBuckets(counts),
      };
    },

    /** A request that sends the operation again, to recipients whose messages have one of the statuses. */
    async request(request: FastifyRequest, reply: FastifyReply) {
      const { accountId, asked, operation } = await find(request);
      // Erasure keeps the counters and nothing that could be sent again.
      if (Object.keys(asked.content).length === 0)
        throw refuse('notFound', 'The content and the recipients of this operation were erased.');
      const reader = new QueryReader();
      const { statuses = '' } = request.query as { statuses?: string };
      const known = readStatuses(reader, statuses, MESSAGE_STATUSES);
      reader.finish();
      const rest = {
        content: serializeContent(asked.content),
        ...serializeFrom(asked.plan),
        ...(Object.keys(asked.tags).length === 0 ? {} : { tags: asked.tags }),
      };
      const pages = store.recipients.readNamedRecipients(
        accountId,
        operation,
        known.length === 0 ? MESSAGE_STATUSES : known,
      );
      async function* write() {
        yield `${JSON.stringify(rest).slice(0, -1)},"to":[`;
        let comma = '';
        for await (const page of writePages(accountId, exports, pages, writeRecipients)) {
          yield comma + page;
          comma = ',';
        }
        yield ']}';
      }
      return reply
        .type('application/json; charset=utf-8')
        .send(Readable.from(write(), { objectMode: false }));
    },

    /** All recipients with their results, a line each. */
    async export(request: FastifyRequest, reply: FastifyReply) {
      const { accountId, operation } = await find(request);
      const query = readExportQuery(request, kind, operation.id);
      const { start, statuses } = query;
      const pages = store.recipients.readResults(accountId, operation, start, statuses);
      return sendExport(reply, kind, query, (toText) =>
        writePages(accountId, exports, pages, toText),
      );
    },
  };
}

const writeRecipients = (rows: readonly NamedRecipient[]) =>
  rows
    .map(({ address, channel, addresses, variables }) =>
      JSON.stringify({
        ...(addresses === null ? { address, channel } : { addresses }),
        ...(variables === null ? {} : { variables }),
      }),
    )
    .join(',');

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
function groupSenders({ senders }: OperationCounts, plan: SendPlan) {
  const counts = new Map(senders.map(([place, status, count]) => [`${place} ${status}`, count]));
  return plan.senders
    .map(({ channel, address, carrier }, place) => {
      const statuses = MESSAGE_STATUSES.flatMap((status) => {
        const count = counts.get(`${place} ${status}`) ?? 0;
        return count === 0 ? [] : [{ status, count }];
      });
      const total = statuses.reduce((sum, { count }) => sum + count, 0);
      return { channel, address, carrier, total, statuses };
    })
    .filter(({ total }) => total > 0)
    .toSorted((a, b) => b.total - a.total);
}

function serializeErrorCount(
  [code, count, ids]: OperationCounts['errors'][number],
  examples: ReadonlyMap<string, ExampleRecipient>,
  kind: OperationKind,
  origin: string,
) {
  const entry = findError(code);
  const type = kind === 'MESSAGES' ? 'comms_message' : 'comms_email';
  const own = ids.flatMap((id) => examples.get(id) ?? []);
  const detail = own.find((each) => each.detail !== null)?.detail ?? null;
  return {
    code,
    message: entry?.message ?? detail ?? `Error ${code}.`,
    advice: entry?.advice ?? null,
    detail,
    infoUrl: infoUrlOf(code, origin),
    count,
    examples: own.map(({ id, isMessage, address }) => ({
      messageId: isMessage ? encodeTypeId(type, id) : null,
      address,
    })),
  };
}
