/** Compares the counts that quotas use with the rows of accounts. */
import type { Database } from '../database.ts';
import { countOf, type Finding } from './finding.ts';

const NIL = `'00000000-0000-0000-0000-000000000000'::uuid`;
/** The correct counts of `quota_usage`. */
const COUNTED = [
  ['sender', `'sender'`, NIL],
  ['sender_pool', `'sender_pool'`, NIL],
  ['sender_pool_member', `'sender_pool_member'`, 'pool_id'],
  ['content_template', `'content_template'`, NIL],
  ['api_key', `'api_key'`, NIL],
  ['subscription', `case kind when 'CALLBACK' then 'callback' else 'subscription' end`, NIL],
  ['suppression', `'suppression'`, NIL],
]
  .map(
    ([table, resource, owner]) =>
      `select account_id, ${resource} as resource, ${owner} as owner_id, count(*)::int as used from ${table}
       where account_id is not null group by 1, 2, 3`,
  )
  .join(' union all ');

export async function auditQuotas(database: Database): Promise<Finding[]> {
  const { rows } = await database.query<{ sid: string; wrong: string }>(
    `select a.sid, string_agg(distinct resource, ', ') as wrong
     from (${COUNTED}) c full join quota_usage q using (account_id, resource, owner_id)
       join account a on a.id = account_id
     where c.used is distinct from q.used group by a.sid order by a.sid`,
  );
  return rows.map(({ sid, wrong }) => ({
    check: 'quotas',
    where: sid,
    what: `Wrong counts: ${wrong}. The limits of the account are enforced against these counts.`,
    advice: '--repair recounts.',
    repair: () => countAgain(database),
  }));
}

/** The counts of all accounts. Statements that add or remove rows wait meanwhile, and then change the corrected counts. */
function countAgain(database: Database): Promise<string> {
  return database.transact(async (client) => {
    await client.query('lock table quota_usage in share row exclusive mode');
    await client.query('delete from quota_usage');
    const { rowCount } = await client.query(`insert into quota_usage ${COUNTED}`);
    return `Recounted: ${countOf(rowCount ?? 0, 'count')}.`;
  });
}
