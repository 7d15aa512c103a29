/** Due work in the queues of this database, found by one statement for all of them. */
import type { Database } from './database.ts';
import { IS_DUE } from './operation-tasks.ts';

/** Kinds of work that may be due now. True means that a look is worth its cost: another node may be quicker. */
export interface DueWork {
  /** Carriers with batches that can be leased. */
  readonly carriers: readonly string[];
  /** Waiting batches whose time has come. */
  readonly wake: boolean;
  /** Parked receipts of attempts. */
  readonly parkedReceipts: boolean;
  /** Parked receipts of carriers. */
  readonly carrierReceipts: boolean;
  /** Inbound messages without their answer. */
  readonly keywordAnswers: boolean;
  /** Tasks of operations. */
  readonly tasks: boolean;
  /** Milliseconds until the first of the work that is known and not due; null when there is none. */
  readonly nextInMs: number | null;
}

interface Row {
  readonly carriers: readonly string[];
  readonly keyword_answers: boolean;
  readonly tasks: boolean;
  /** Milliseconds until the first of each kind. */
  readonly wake_in: number | null;
  readonly parked_in: number | null;
  readonly carrier_in: number | null;
}

const MS_UNTIL = (at: string) => `(extract(epoch from (${at}) - now()) * 1000)::float8`;

/** Reads the first row of each queue along its index. */
export async function findDueWork(
  database: Database,
  carriers: readonly string[],
): Promise<DueWork> {
  const { rows } = await database.query<Row>(
    `select
       array(select name from unnest($1::text[]) as name where exists (
         select from dispatch_batch b where b.carrier = name and not waiting
           and (leased_until is null or leased_until < now()))) as carriers,
       exists (select from inbound_message where reply is not null) as keyword_answers,
       exists (select from operation_task where ${IS_DUE}) as tasks,
       ${MS_UNTIL(`least((select min(wake_at) from dispatch_batch where waiting and not resting),
         (select min(wake_at) from dispatch_batch where waiting and resting))`)} as wake_in,
       ${MS_UNTIL('select min(due_at) from parked_receipt')} as parked_in,
       ${MS_UNTIL('select min(due_at) from parked_carrier_receipt')} as carrier_in`,
    [carriers],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('A statement without a table has one row.');
  const isDue = (inMs: number | null) => inMs !== null && inMs <= 0;
  const later = [row.wake_in, row.parked_in, row.carrier_in].filter(
    (inMs) => inMs !== null && inMs > 0,
  ) as number[];
  return {
    carriers: row.carriers,
    wake: isDue(row.wake_in),
    parkedReceipts: isDue(row.parked_in),
    carrierReceipts: isDue(row.carrier_in),
    keywordAnswers: row.keyword_answers,
    tasks: row.tasks,
    nextInMs: later.length === 0 ? null : Math.min(...later),
  };
}
