/** Checks the tasks of operations: tasks whose steps nobody does, and chunks without a task. */
import { encodeTypeId } from '../../domain/ids.ts';
import type { Database } from '../database.ts';
import { driveTask, IS_DUE } from '../operation-tasks.ts';
import { countOf, describeAge, type AuditScope, type Finding } from './finding.ts';

/** Tasks that are reported at a time. */
const TASKS_MAX = 100;

export async function auditTasks(
  database: Database,
  { patienceMs }: AuditScope,
): Promise<Finding[]> {
  return [...(await auditStuck(database, patienceMs)), ...(await auditChunks(database))];
}

async function auditStuck(database: Database, patienceMs: number): Promise<Finding[]> {
  const { rows } = await database.query<{ account_id: number; operation_id: string; age: number }>(
    `select account_id, operation_id, extract(epoch from now() - updated_at)::float as age from operation_task
     where ${IS_DUE} and updated_at < now() - $1 * interval '1 millisecond'
     order by updated_at limit ${TASKS_MAX}`,
    [patienceMs],
  );
  return rows.map(({ account_id, operation_id, age }) => ({
    check: 'tasks',
    where: encodeTypeId('comms_operation', operation_id),
    what: `No node has gone on with the release, the cancel or the erasure of this operation for ${describeAge(age)}.`,
    advice:
      'Check that a server with the role "dispatch" is running; its log says when a step fails. --repair does the steps.',
    async repair() {
      const isOver = await driveTask(database, account_id, operation_id, Infinity);
      return isOver ? 'Did all steps.' : 'Waits for messages that a carrier may have.';
    },
  }));
}

/** The operation of a chunk `c`, if its task is missing. Without the operation, the request was abandoned. */
const STRAY = `from operation_chunk c where not exists (
  select from operation_task t where t.account_id = c.account_id and t.operation_id = c.operation_id)`;

async function auditChunks(database: Database): Promise<Finding[]> {
  const { rows } = await database.query<{ chunks: number }>(
    `select count(*)::int as chunks ${STRAY}`,
  );
  const chunks = rows[0]?.chunks ?? 0;
  if (chunks === 0) return [];
  return [
    {
      check: 'tasks',
      where: 'operation_chunk',
      what: `${countOf(chunks, 'chunk')} of recipients without a task.`,
      advice:
        '--repair adds the tasks. Chunks of accepted operations are then sent, the others are deleted with their messages.',
      async repair() {
        const { rowCount } = await database.query(
          `insert into operation_task (account_id, operation_id, state)
           select c.account_id, c.operation_id, case when exists (
             select from operation o where o.account_id = c.account_id and o.id = c.operation_id)
             then 'ACCEPTED' else 'ABANDONED' end::operation_task_state
           from (select distinct account_id, operation_id ${STRAY}) as c
           on conflict do nothing`,
        );
        return `Added ${countOf(rowCount ?? 0, 'task')}.`;
      },
    },
  ];
}
