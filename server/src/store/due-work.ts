/** Due work in the queues of this database, found by one statement for all of them. */
import type { Database } from './database.ts';

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
}

/** Asks each queue by its index whether something is due, and stops at the first row. */
export async function findDueWork(
  database: Database,
  carriers: readonly string[],
): Promise<DueWork> {
  const { rows } = await database.query<DueWork>(
    `select
       array(select name from unnest($1::text[]) as name where exists (
         select from dispatch_batch b where b.carrier = name and not waiting
           and (leased_until is null or leased_until < now()))) as carriers,
       exists (select from dispatch_batch where waiting and wake_at <= now()) as wake,
       exists (select from parked_receipt where due_at <= now()) as "parkedReceipts",
       exists (select from parked_carrier_receipt where due_at <= now()) as "carrierReceipts",
       exists (select from inbound_message where reply is not null) as "keywordAnswers"`,
    [carriers],
  );
  const [due] = rows;
  if (due === undefined) throw new Error('A statement without a table has one row.');
  return due;
}
