/**
 * The audit compares a database with the rules that must hold, beside running servers or without
 * any. It reads in short statements, takes no locks, and changes nothing unless a finding is
 * repaired.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, type Database } from '../database.ts';
import {
  auditClock,
  auditDisk,
  auditIndexes,
  auditMigrations,
  auditPartitions,
  auditTransactions,
  auditVacuum,
} from './engine.ts';
import type { AuditScope, Finding } from './finding.ts';
import { auditOperations } from './operations.ts';
import { auditQuotas } from './quotas.ts';
import { auditInbound, auditCarriers, auditReceipts, auditStrayBatches } from './queue.ts';
import { markRestoredInDoubt } from './restored.ts';
import { auditSenders } from './senders.ts';
import { auditSubscriptions } from './subscriptions.ts';
import { auditTasks } from './tasks.ts';

export type { AuditScope, Finding } from './finding.ts';

export interface Audit {
  /** Everything that is wrong. Rejects with `SchemaError` when this is no database of this Fanfare. */
  look(scope: AuditScope): Promise<Finding[]>;
  /** After a restore: marks messages that may have been sent since the backup as in doubt. Resolves with their number. */
  markRestoredInDoubt(): Promise<number>;
  close(): Promise<void>;
}

/** A suspected fault is checked again after this time, and reported only if it is still there. */
const AGAIN_MS = 1_000;

/** Opens a database for auditing, without migrating it. */
export function openAudit(url: string): Audit {
  const database = openDatabase({ url, connectionsMax: 1, name: 'fanfare-doctor' });
  return {
    async look(scope) {
      const first = await lookOnce(database, scope);
      if (first.length === 0) return first;
      await sleep(AGAIN_MS);
      const keys = new Set((await lookOnce(database, scope)).map(keyOf));
      return first.filter((each) => keys.has(keyOf(each)));
    },
    markRestoredInDoubt: () => markRestoredInDoubt(database),
    close: () => database.close(),
  };
}

const keyOf = ({ check, where }: Finding) => `${check} ${where}`;

async function lookOnce(database: Database, scope: AuditScope): Promise<Finding[]> {
  const found = [
    ...(await auditClock(database)),
    ...(await auditDisk(scope)),
    ...(await auditVacuum(database)),
    ...(await auditTransactions(database, scope)),
  ];
  const behind = await auditMigrations(database);
  // The other statements are written for the present schema.
  if (behind.length > 0) return [...found, ...behind];
  found.push(
    ...(await auditPartitions(database)),
    ...(await auditIndexes(database)),
    ...(await auditCarriers(database, scope)),
    ...(await auditStrayBatches(database)),
    ...(await auditTasks(database, scope)),
    ...(await auditReceipts(database, scope)),
    ...(await auditInbound(database, scope)),
    ...(await auditSenders(database, scope)),
    ...(await auditSubscriptions(database, scope)),
    ...(await auditQuotas(database)),
  );
  for await (const each of auditOperations(database, scope)) found.push(each);
  return found;
}
