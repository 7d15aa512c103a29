/**
 * What a report shows beside its counts (`operation-sections.ts`): the fields of the request, and
 * examples of errors.
 */
import type { OperationContent } from '../domain/content.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { Database } from './database.ts';

/** The main fields of the request of an operation. */
export interface OperationRequest {
  readonly content: OperationContent;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
}

/** The main fields of the requests of these operations, by id. */
export async function fetchRequests(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Map<string, OperationRequest>> {
  const { rows } = await database.query<OperationRequest & { id: string }>(
    `select id, content, plan, tags, scheduled_for as "scheduledFor", expire_at as "expireAt"
     from operation where account_id = $1 and id = any($2::uuid[])`,
    [accountId, ids],
  );
  return new Map(rows.map(({ id, ...request }) => [id, request]));
}

/** A recipient that a report names as an example. */
export interface ExampleRecipient {
  /** The id of its message, or the id that its message would have had. */
  readonly id: string;
  readonly isMessage: boolean;
  readonly address: string;
  /** The carrier's words. */
  readonly detail: string | null;
}

/** Recipients by the ids of their messages, without erased ones, by id. */
export async function fetchExamples(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Map<string, ExampleRecipient>> {
  const { rows } = await database.query<ExampleRecipient>(
    `select id, true as "isMessage", address, error_detail as detail from message
     where account_id = $1 and id = any($2::uuid[]) and deleted_at is null
     union all
     select id, false, addresses -> 0 ->> 'address', null from unaddressable
     where account_id = $1 and id = any($2::uuid[]) and addresses <> '[]'`,
    [accountId, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
