/**
 * The store: everything that Fanfare remembers, behind one door. The rest of the server sees these
 * functions and their types, never SQL. They reject with `DatabaseUnavailable` when a later retry
 * can succeed.
 */
import * as accounts from './accounts.ts';
import * as batches from './batches.ts';
import * as cancels from './cancels.ts';
import { wakeDueBatches } from './due-batches.ts';
import { requeueRemainder } from './requeued-batches.ts';
import * as connectionShares from './connection-shares.ts';
import * as carrierReceipts from './carrier-receipts.ts';
import * as contentTemplates from './content-templates.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';
import * as deliveries from './deliveries.ts';
import * as deliveryLists from './delivery-lists.ts';
import * as emailAttachments from './email-attachments.ts';
import * as erasure from './erasure.ts';
import * as eventFacts from './event-facts.ts';
import * as eventLog from './event-log.ts';
import * as installation from './installation.ts';
import { migrate } from './migrate.ts';
import * as messages from './messages.ts';
import * as inbound from './inbound.ts';
import * as rateLimits from './rate-limits.ts';
import * as operationRecipients from './operation-recipients.ts';
import * as operationReports from './operation-reports.ts';
import { countOperation, type Countable } from './operation-sections.ts';
import { acceptOperations } from './accept/accept.ts';
import { findIdempotencyKeys } from './accept/idempotency-keys.ts';
import * as streamed from './accept/streamed.ts';
import { appear, releaseGoneNodes } from './nodes.ts';
import * as operations from './operations.ts';
import * as operationTasks from './operation-tasks.ts';
import * as partitions from './partitions.ts';
import * as senderPools from './sender-pools.ts';
import { createSenderChooser, findSenderChanges } from './sender-choice.ts';
import * as senders from './senders.ts';
import * as subscriptions from './subscriptions.ts';
import * as suppressions from './suppressions.ts';
import * as parkedReceipts from './parked-receipts.ts';
import { createFairSearches, openSearches } from './searches.ts';
import * as receipts from './receipts.ts';
import * as replays from './replays.ts';
import * as settlements from './settlements.ts';
import * as system from './system.ts';
import { findDueWork } from './due-work.ts';
import { dropExpiredIdempotencyKeys, listen, ping } from './maintenance.ts';

export { DatabaseUnavailable } from './database-error.ts';
export { waitForDatabase, writeAll } from './persistence.ts';
export { SchemaError } from './migrate.ts';
export { SearchTooLong } from './searches.ts';
export type { Account, ApiKey, Credential } from './accounts.ts';
export {
  UNLIMITED,
  type Batch,
  type BatchMessage,
  type LeaseRequest,
  type MessageQuestion,
  type Served,
} from './batches.ts';
export type { Remainder } from './requeued-batches.ts';
export type { CarrierReceipt, PartReceipt, SentPart } from './carrier-receipts.ts';
export type { DeliveryProgress, DueDelivery, LeasedSubscription } from './deliveries.ts';
export type { DueWork } from './due-work.ts';
export type { EventFacts, MessageFacts, OperationFacts } from './event-facts.ts';
export type {
  InboundFilter,
  InboundMessage,
  KeywordScope,
  NewInbound,
  RecordResult,
  Unanswered,
} from './inbound.ts';
export type { Delivery, DeliveryAttempt } from './delivery-lists.ts';
export type { ReplayChoice } from './replays.ts';
export type { Reservation } from './rate-limits.ts';
export type { Attempt, Message, MessageFilter, MessageSummary, Route } from './messages.ts';
export type { AcceptResult, KeyQuestion } from './accept/idempotency-keys.ts';
export type {
  NewBatch,
  NewMessage,
  NewOperation,
  NewOperationHead,
  NewRows,
  RecipientCounts,
} from './accept/new-operation.ts';
export { encodeMessages, type CopyForm } from './accept/copy.ts';
export { RENEWAL_MS, type StreamedSend } from './accept/streamed.ts';
export type { Dispatchable, OperationFilter } from './operations.ts';
export type {
  NamedRecipient,
  OperationErrorRow,
  RecipientResult,
  RecipientStatus,
} from './operation-recipients.ts';
export type { ExampleRecipient, OperationRequest } from './operation-reports.ts';
export type { MatchedReceipt } from '../domain/receipt.ts';
export type { ReceiptTally } from './receipts.ts';
export type { SenderPool, SenderPoolOperation } from './sender-pools.ts';
export type { NewSender } from './senders.ts';
export type { SenderChanges, SenderQuestion } from './sender-choice.ts';
export { QuotaExceeded } from './quotas.ts';
export type {
  Subscription,
  SubscriptionKind,
  SubscriptionSettings,
  SubscriptionStatus,
} from './subscriptions.ts';
export type {
  Listed,
  SuppressionEntry,
  SuppressionQuestion,
  SuppressionScope,
} from './suppressions.ts';
export type { NextTry, SettledBatch, Settlement } from './settlements.ts';

/** Gives every function of a module its first argument, the database. */
type Bound<Functions> = {
  readonly [
    Name in keyof Functions as Functions[Name] extends (
      database: Database,
      ...rest: never[]
    ) => unknown
      ? Name
      : never
  ]: Functions[Name] extends (database: Database, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;
};

function bind<Functions extends object>(
  database: Database,
  functions: Functions,
): Bound<Functions> {
  return Object.fromEntries(
    Object.entries(functions)
      .filter(([, value]) => typeof value === 'function')
      .map(([name, value]) => [name, (...rest: unknown[]) => value(database, ...rest)]),
  ) as Bound<Functions>;
}

interface Connections {
  readonly database: Database;
  /** For reads of whole lists. */
  readonly searches: Database;
  /** For the question whether the database answers. */
  readonly probe: Database;
}

/** Counts operations. Each statement of a count takes a place of its own, so that others come between. */
function createCounter(
  { database, searches }: Pick<Connections, 'database' | 'searches'>,
  fairly: ReturnType<typeof createFairSearches>,
) {
  const query = fairly((_accountId, text: string, values?: readonly unknown[]) =>
    searches.query(text, values),
  );
  return (operation: Countable) =>
    countOperation(
      database,
      { query: (text, values) => query(operation.accountId, text, values) as Promise<never> },
      operation,
    );
}

function makeStore({ database, searches, probe }: Connections, migrated: readonly string[]) {
  const fairly = createFairSearches();
  const listMessages = fairly(bind(searches, messages).listMessages);
  const listInbound = fairly(bind(searches, inbound).listInbound);
  const listOperations = fairly(bind(searches, operations).listOperations);
  const listOperationErrors = fairly(bind(searches, operationRecipients).listOperationErrors);
  return {
    /** Migrations that were applied when it was opened. */
    migrated,
    accounts: bind(database, accounts),
    streamed: bind(database, streamed),
    operations: {
      ...bind(database, {
        ...operations,
        acceptOperations,
        findIdempotencyKeys,
        cancelOperation: cancels.cancelOperation,
        cancelMessage: cancels.cancelMessage,
      }),
      listOperations,
    },
    messages: { ...bind(database, messages), listMessages },
    batches: bind(database, {
      ...batches,
      wakeDueBatches,
      requeueRemainder,
      endUnsent: cancels.endUnsent,
    }),
    operationTasks: bind(database, operationTasks),
    settlements: bind(database, settlements),
    receipts: bind(database, { ...receipts, ...parkedReceipts, ...carrierReceipts }),
    emailAttachments: bind(database, emailAttachments),
    events: bind(database, { ...eventLog, ...eventFacts }),
    deliveries: bind(database, { ...deliveries, ...deliveryLists, ...replays }),
    erasure: bind(database, erasure),
    installation: bind(database, installation),
    inbound: { ...bind(database, inbound), listInbound },
    rateLimits: bind(database, rateLimits),
    connectionShares: bind(database, connectionShares),
    contentTemplates: bind(database, contentTemplates),
    senders: {
      ...bind(database, { ...senders, findSenderChanges }),
      chooseSenders: createSenderChooser(database),
    },
    senderPools: bind(database, senderPools),
    subscriptions: bind(database, subscriptions),
    reports: {
      ...bind(database, operationReports),
      countOperation: createCounter({ database, searches }, fairly),
    },
    recipients: { ...bind(database, operationRecipients), listOperationErrors },
    suppressions: bind(database, suppressions),
    system: bind(database, system),
    nodes: bind(database, { appear, releaseGoneNodes }),
    maintenance: {
      ...bind(database, { ...partitions, dropExpiredIdempotencyKeys, findDueWork, listen }),
      ...bind(probe, { ping }),
    },
    async close() {
      await Promise.all([...new Set([database, searches, probe])].map((each) => each.close()));
    },
  };
}

export type Store = ReturnType<typeof makeStore>;

export interface StoreOptions extends DatabaseOptions {
  /** Whether searches, and the question whether the database answers, have connections of their own: four more. */
  readonly isForReaders?: boolean;
}

/** The question whether the database answers is answered soon, or with no. */
const PROBE_MS_MAX = 5_000;

/** Opens the store and brings its schema up to date. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = openDatabase(options);
  try {
    const migrated = await migrate(database);
    await partitions.ensurePartitions(database, new Date());
    if (options.isForReaders !== true)
      return makeStore({ database, searches: database, probe: database }, migrated);
    const searches = openSearches(options);
    const probe = openDatabase({
      ...options,
      name: `${options.name}-health`,
      connectionsMax: 1,
      statementTimeoutMs: PROBE_MS_MAX,
    });
    return makeStore({ database, searches, probe }, migrated);
  } catch (error) {
    await database.close();
    throw error;
  }
}
