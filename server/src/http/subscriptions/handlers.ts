/**
 * Handlers of subscriptions, an extension. They create, change, test and delete subscriptions, and list and replay
 * deliveries. A secret is shown only when it is created. The delivery itself is in `events/`.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type Problem } from '../../domain/errors.ts';
import {
  BATCH_DELAY_MS_DEFAULT,
  BATCH_SIZE_DEFAULT,
  encodeSubject,
  EVENT_KINDS,
} from '../../domain/event.ts';
import { decodeTypeId, encodeTypeId, uuidTimeMs } from '../../domain/ids.ts';
import {
  findSecretProblem,
  findTypeProblem,
  namesOfTypes,
  OVERLAP_SECONDS_DEFAULT,
  type TestResult,
  type TestTarget,
} from '../../domain/subscription.ts';
import { newWebhookSecret } from '../../lib/secrets.ts';
import type {
  Delivery,
  DeliveryAttempt,
  Store,
  Subscription,
  SubscriptionKind,
  SubscriptionSettings,
  SubscriptionStatus,
} from '../../store/store.ts';
import {
  QueryReader,
  readListQuery,
  type DateQuery,
  type ListQuery,
  type PagingQuery,
} from '../edge/query.ts';
import { Refusal, refuse, refuseForNow } from '../../shapes/refusal.ts';

/** Dependencies of the handlers of subscriptions. */
export interface SubscriptionDeps {
  /** Calls a subscriber now, with an event that tries it out. */
  readonly test: (target: TestTarget) => Promise<TestResult>;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findUrlProblem: (url: string) => string | null;
  /** Names of the configured sinks. */
  readonly sinks: readonly string[];
}

interface SubscriptionBody {
  readonly url?: string;
  readonly sink?: string;
  readonly types?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly description?: string | null;
  readonly batch?: { readonly size?: number; readonly delayMs?: number };
  readonly authToken?: string | null;
  readonly secret?: string;
  readonly status?: SubscriptionStatus;
}

interface ReplayBody extends DateQuery {
  readonly deliveryIds?: readonly string[];
  readonly statuses?: readonly Delivery['status'][];
}

const STATUSES = ['PENDING', 'DELIVERED', 'FAILED'] as const;
/** Maximum number of tests at the same time, for an account and in total: each may last until its timeout. */
const TESTS_OF_ACCOUNT_MAX = 4;
const TESTS_MAX = 40;

export function createSubscriptionHandlers(deps: {
  readonly store: Store;
  readonly subscriptions: SubscriptionDeps;
}) {
  const { subscriptions, deliveries } = deps.store;
  const { findUrlProblem, sinks, test } = deps.subscriptions;
  /** The account of each that is being tried out. */
  const testing: number[] = [];

  async function find(request: FastifyRequest): Promise<Subscription> {
    const { subscriptionId } = request.params as { subscriptionId: string };
    const id = decodeTypeId('comms_subscription', subscriptionId);
    const found = id && (await subscriptions.fetchSubscription(request.account.id, id));
    return found || refuseMissing();
  }

  /** The problems of a body. */
  function findProblems({ url, sink, types = [], secret }: SubscriptionBody): Problem[] {
    const list: Problem[] = [];
    const add = (message: string | null | undefined, context: string) => {
      if (message) list.push({ code: ERRORS.invalid.code, message, context });
    };
    if (url !== undefined && sink !== undefined) add('Give url or sink, not both.', '$.sink');
    add(url === undefined ? null : findUrlProblem(url), '$.url');
    if (sink !== undefined && !sinks.includes(sink))
      add(
        `There is no sink "${sink}"; the configuration has ${sinks.join(', ') || 'none'}.`,
        '$.sink',
      );
    for (const [i, each] of types.entries()) add(findTypeProblem(each), `$.types[${i}]`);
    add(secret === undefined ? null : findSecretProblem(secret), '$.secret');
    return list;
  }

  return {
    async list(request: FastifyRequest) {
      const reader = new QueryReader();
      const page = reader.readPage(request.query as PagingQuery);
      reader.finish();
      const { id } = request.account;
      const rows = await subscriptions.listSubscriptions(id, page.start, page.limit);
      return page.answer('subscriptions', rows, serializeSubscription);
    },

    async fetch(request: FastifyRequest) {
      return serializeSubscription(await find(request));
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      const body = request.body as SubscriptionBody;
      const { url, sink, secret = newWebhookSecret() } = body;
      const problems = findProblems(body);
      const target = url ?? sink;
      if (target === undefined)
        problems.push({
          code: ERRORS.invalid.code,
          message: 'Give url, or the name of a sink of the configuration.',
          context: '$.url',
        });
      refuseIfAny(problems);
      const made = await subscriptions.addSubscription(request.account.id, {
        kind: url === undefined ? 'SINK' : 'WEBHOOK',
        secret,
        ...mergeSettings({ ...DEFAULTS, target: target ?? '' }, body),
      });
      const created = serializeSubscription(made);
      return reply
        .code(201)
        .header('location', `${request.origin}/v1/Subscriptions/${created.id}`)
        .send({ ...created, secret });
    },

    async update(request: FastifyRequest) {
      const before = await find(request);
      const { status, ...body } = request.body as SubscriptionBody;
      refuseIfAny([...findProblems(body), ...findFixed(before.kind, body)]);
      const { id: accountId } = request.account;
      let now: Subscription | null = before;
      if (Object.keys(body).length > 0)
        now = await subscriptions.updateSubscription(
          accountId,
          before.id,
          mergeSettings(before, body),
        );
      // Disabling it again does not change the reason; enabling it again makes pending deliveries due.
      if (status !== undefined && (status === 'ENABLED' || status !== before.status))
        now = await subscriptions.setSubscriptionStatus(accountId, before.id, status, null);
      return serializeSubscription(now ?? refuseMissing());
    },

    async remove(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await find(request);
      if (!(await subscriptions.removeSubscription(request.account.id, id))) refuseMissing();
      return reply.code(204).send();
    },

    async rotateSecret(request: FastifyRequest) {
      const { id } = await find(request);
      const body = (request.body ?? {}) as { overlapSeconds?: number; secret?: string };
      refuseIfAny(findProblems(body));
      const { overlapSeconds = OVERLAP_SECONDS_DEFAULT, secret = newWebhookSecret() } = body;
      const previousUntil = await subscriptions.rotateSecret(
        request.account.id,
        id,
        secret,
        overlapSeconds * 1_000,
      );
      return { secret, previousUntil: previousUntil ?? refuseMissing() };
    },

    async test(request: FastifyRequest) {
      const { id, kind, target } = await find(request);
      const known = await subscriptions.fetchSecrets(request.account.id, id);
      const { id: accountId } = request.account;
      const own = testing.filter((each) => each === accountId).length;
      if (own >= TESTS_OF_ACCOUNT_MAX || testing.length >= TESTS_MAX)
        throw refuseForNow(
          'Too many tests of subscriptions are in progress. Wait for them to end.',
        );
      testing.push(accountId);
      try {
        return await test({
          id: encodeTypeId('comms_subscription', id),
          kind,
          target,
          ...(known ?? refuseMissing()),
        });
      } finally {
        testing.splice(testing.indexOf(accountId), 1);
      }
    },

    async replay(request: FastifyRequest) {
      const { id } = await find(request);
      const body = request.body as ReplayBody;
      const { deliveryIds, startDate, endDate, statuses } = body;
      const reader = new QueryReader();
      const isDated = startDate !== undefined || endDate !== undefined;
      if (deliveryIds === undefined && !isDated)
        reader.add(
          'Select the deliveries: deliveryIds, or startDate, endDate or both.',
          '$.deliveryIds',
        );
      if (deliveryIds !== undefined && isDated)
        reader.add('Give deliveryIds or dates, not both.', '$.deliveryIds');
      const dates = reader.readDates(body);
      reader.finish();
      const replayed = await deliveries.replayDeliveries(request.account.id, id, {
        ...dates,
        eventIds:
          deliveryIds?.flatMap((each) => decodeTypeId('comms_delivery', each) ?? []) ?? null,
        statuses: statuses ?? (deliveryIds === undefined ? ['FAILED'] : STATUSES),
      });
      return { replayed };
    },

    async deliveries(request: FastifyRequest) {
      const { id } = await find(request);
      const query = request.query as ListQuery & { status?: Delivery['status'] };
      const { page, range } = readListQuery(query, query);
      const rows = await deliveries.listDeliveries(
        request.account.id,
        id,
        { ...range, status: query.status ?? null },
        page.limit,
      );
      return page.answerBy('deliveries', rows, serializeDelivery, (row) => row.eventId);
    },

    async attempts(request: FastifyRequest) {
      const { id } = await find(request);
      const query = request.query as ListQuery & { delivered?: boolean };
      const { page, range } = readListQuery(query, query);
      const delivered = query.delivered ?? null;
      const rows = await deliveries.listDeliveryAttempts(
        request.account.id,
        id,
        { ...range, delivered },
        page.limit,
      );
      return page.answer('attempts', rows, serializeAttempt);
    },
  };
}

function refuseMissing(): never {
  throw refuse('notFound', 'There is no such subscription.');
}

function refuseIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new Refusal(400, problems);
}

/** Fields of a subscription that cannot change. */
function findFixed(kind: SubscriptionKind, { url, sink, types }: SubscriptionBody): Problem[] {
  const wrong = [
    ...(kind !== 'WEBHOOK' && url !== undefined ? ['url'] : []),
    ...(kind !== 'SINK' && sink !== undefined ? ['sink'] : []),
    ...(kind === 'CALLBACK' && types !== undefined ? ['types'] : []),
  ];
  const why =
    kind === 'CALLBACK'
      ? 'Its URL is a statusCallback and receives all events of its requests'
      : `Its ${kind === 'SINK' ? 'sink' : 'URL'} cannot be changed`;
  return wrong.map((name) => ({
    code: ERRORS.invalid.code,
    message: `${why}; create another subscription instead.`,
    context: `$.${name}`,
  }));
}

const DEFAULTS: Omit<SubscriptionSettings, 'target'> = {
  description: null,
  types: ['*'],
  names: namesOfTypes(['*']),
  tags: {},
  batchSize: BATCH_SIZE_DEFAULT,
  batchDelayMs: BATCH_DELAY_MS_DEFAULT,
  authToken: null,
};

/** The existing values with the given changes. */
function mergeSettings(before: SubscriptionSettings, body: SubscriptionBody): SubscriptionSettings {
  const types = body.types ?? before.types;
  return {
    target: body.url ?? body.sink ?? before.target,
    description: body.description === undefined ? before.description : body.description,
    types,
    names: namesOfTypes(types),
    tags: body.tags ?? before.tags,
    batchSize: body.batch?.size ?? before.batchSize,
    batchDelayMs: body.batch?.delayMs ?? before.batchDelayMs,
    authToken: body.authToken === undefined ? before.authToken : body.authToken,
  };
}

function serializeSubscription(subscription: Subscription) {
  const { kind, target, batchSize, batchDelayMs, authToken } = subscription;
  return {
    id: encodeTypeId('comms_subscription', subscription.id),
    ...(kind === 'SINK' ? { sink: target } : { url: target }),
    origin: kind === 'CALLBACK' ? 'STATUS_CALLBACK' : 'API',
    types: subscription.types,
    tags: subscription.tags,
    description: subscription.description,
    batch: { size: batchSize, delayMs: batchDelayMs },
    status: subscription.status,
    reason: subscription.reason,
    failures: subscription.failures,
    failingSince: subscription.failingSince,
    lastDeliveryAt: subscription.lastDeliveryAt,
    hasAuthToken: authToken !== null,
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
  };
}

function serializeDelivery({ eventId, name, subjectId, dueAt, at, ...rest }: Delivery) {
  return {
    id: encodeTypeId('comms_delivery', eventId),
    type: EVENT_KINDS[name].type,
    subject: encodeSubject({ name, subjectId }),
    events: rest.events,
    status: rest.status,
    tries: rest.tries,
    nextTryAt: dueAt,
    createdAt: at,
    updatedAt: rest.updatedAt,
  };
}

function serializeAttempt(attempt: DeliveryAttempt) {
  return {
    id: encodeTypeId('comms_deliveryattempt', attempt.id),
    delivered: attempt.delivered,
    httpStatus: attempt.httpStatus,
    detail: attempt.detail,
    events: attempt.events,
    firstDeliveryId: encodeTypeId('comms_delivery', attempt.firstEventId),
    lastDeliveryId: encodeTypeId('comms_delivery', attempt.lastEventId),
    tookMs: attempt.tookMs,
    createdAt: new Date(uuidTimeMs(attempt.id)),
  };
}
