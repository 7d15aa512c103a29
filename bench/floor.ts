/**
 * The floor: the same rows written to the same PostgreSQL by bare SQL, from one process, without
 * HTTP, checks, templates and carriers. It is the upper limit for Fanfare.
 *
 * Per 10,000 messages: one transaction with COPY (accept); then for each 500 a lease, a read of the messages, one
 * update with the outcomes and one with the receipts, each with the operation's counters in the same transaction.
 */
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { MESSAGES } from './measure.ts';

const BATCH = 500;
const ACCOUNT = 1_000_000;

let made = 0;

/** Ids like those of Fanfare: an operation and its messages. */
function newIds(): { operation: string; messages: string[] } {
  made += 1;
  const at = Date.now().toString(16).padStart(12, '0');
  const head = `${at.slice(0, 8)}-${at.slice(8)}-7${(made & 0xfff).toString(16).padStart(3, '0')}-8000-00000000`;
  const tail = (n: number) => head + n.toString(16).padStart(4, '0');
  return { operation: tail(0), messages: Array.from({ length: MESSAGES }, (_, i) => tail(i + 1)) };
}

/** Rows as text for COPY, some at a time. */
function* composeRows(head: string, count: number): Generator<Buffer> {
  for (let first = 0; first < count; first += BATCH) {
    let text = '';
    for (let i = first; i < Math.min(first + BATCH, count); i += 1)
      text += `${ACCOUNT}\tSMS\tPHONE\t${head}${(i + 1).toString(16).padStart(6, '0')}\t+1500${5_560_000 + i}\t\\N\t{"name":"Ada ${i}"}\t\\N\tSCHEDULED\n`;
    yield Buffer.from(text);
  }
}

export interface Floor {
  /** Milliseconds of one accept. */
  accept(): Promise<number>;
  /** Milliseconds of a plain COPY of `count` messages. */
  copy(count: number): Promise<number>;
  /** Milliseconds of `count` operations from accept to the last receipt, `workers` at a time. */
  endToEnd(count: number, workers: number): Promise<number>;
  close(): Promise<void>;
}

export async function openFloor(url: string): Promise<Floor> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    options: '-c plan_cache_mode=force_custom_plan -c enable_nestloop=off',
  });
  await pool.query(
    `insert into account (id, sid, token_hash) overriding system value values ($1, 'ACfloor', '') on conflict do nothing`,
    [ACCOUNT],
  );

  async function accept(client: pg.PoolClient): Promise<string[][]> {
    const ids = newIds();
    await client.query('begin');
    await client.query(
      `insert into operation (account_id, id, status, total, recipients, unaddressable, queued, content, plan, tags, updated_at)
       values ($1, $2, 'PROCESSING', $3, $3, 0, $3, '{"text":"Hello {{ name }}","mediaUrls":[]}', '{"senders":[]}', '{}', now())`,
      [ACCOUNT, ids.operation, MESSAGES],
    );
    const rows = ids.messages.map(
      (id, i) =>
        `${ACCOUNT}\tSMS\tPHONE\t${id}\t+1500556${String(i).padStart(4, '0')}\t\\N\t{"name":"Ada ${i}"}\t\\N\tQUEUED\n`,
    );
    await pipeline(
      Readable.from([Buffer.from(rows.join(''))]),
      client.query(
        copyFrom(
          'copy message (account_id, channel, address_channel, id, address, addresses, variables, tags, status) from stdin',
        ),
      ),
    );
    const batches = Array.from({ length: MESSAGES / BATCH }, (_, i) =>
      Array.from({ length: BATCH }, (_unused, j) => i * BATCH + j),
    );
    await client.query(
      `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, due_at, ordinals)
       select $1, $2, 'floor', 0, 1, true, 'infinity', o::int[] from unnest($3::text[]) as o`,
      [ACCOUNT, ids.operation, batches.map((each) => `{${each.join(',')}}`)],
    );
    await client.query(`select pg_notify('floor', '')`);
    await client.query('commit');
    return [[ids.operation], ...batches.map((each) => each.map((i) => ids.messages[i] ?? ''))];
  }

  async function dispatch(
    client: pg.PoolClient,
    operation: string,
    ids: readonly string[],
  ): Promise<void> {
    const leased = await client.query<{ id: string }>(
      `update dispatch_batch set lease = 1, leased_until = now() + interval '10 s', high_water_mark = $3
       where id = (select id from dispatch_batch where account_id = $1 and operation_id = $2 and lease = 0 limit 1 for update skip locked)
       returning id`,
      [ACCOUNT, operation, BATCH],
    );
    await client.query(
      'select id, status, attempt, address, variables from message where account_id = $1 and id = any($2::uuid[])',
      [ACCOUNT, ids],
    );
    const now = new Date().toISOString();
    await client.query(
      `with gone as (delete from dispatch_batch where id = $5),
       changed as (
         update message m set status = 'SENT', previous_status = m.status, attempt = 1, attempt_status = 'SENT',
           attempted_at = p.at, provider_id = p.provider, updated_at = now()
         from unnest($3::uuid[], $4::text[], $6::timestamptz[]) as p(id, provider, at)
         where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = p.id and m.attempt = 0 returning 1)
       update operation set queued = queued - d.n, sent = sent + d.n, attempts = attempts + d.n, updated_at = now()
       from (select count(*)::int as n from changed) d where account_id = $1 and id = $2`,
      [
        ACCOUNT,
        operation,
        ids,
        ids.map((id) => `sim-${id.slice(29)}`),
        leased.rows[0]?.id,
        ids.map(() => now),
      ],
    );
  }

  async function receive(
    client: pg.PoolClient,
    operation: string,
    ids: readonly string[],
  ): Promise<void> {
    await client.query(
      `with changed as (
         update message m set status = 'DELIVERED', previous_status = m.status, attempt_status = 'DELIVERED', updated_at = now()
         from unnest($3::uuid[]) as p(id)
         where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = p.id and m.status = 'SENT' returning 1)
       update operation set sent = sent - d.n, delivered = delivered + d.n, updated_at = now()
       from (select count(*)::int as n from changed) d where account_id = $1 and id = $2`,
      [ACCOUNT, operation, ids],
    );
  }

  async function withClient<Result>(
    work: (client: pg.PoolClient) => Promise<Result>,
  ): Promise<Result> {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  return {
    async accept() {
      const startedAt = performance.now();
      const [[operation = ''] = []] = await withClient(accept);
      const tookMs = performance.now() - startedAt;
      await pool.query('delete from dispatch_batch where account_id = $1 and operation_id = $2', [
        ACCOUNT,
        operation,
      ]);
      return tookMs;
    },
    async copy(count) {
      const [head = ''] = newIds().operation.split(/0{6}$/);
      const startedAt = performance.now();
      await withClient((client) =>
        pipeline(
          Readable.from(composeRows(head, count)),
          client.query(
            copyFrom(
              'copy message (account_id, channel, address_channel, id, address, addresses, variables, tags, status) from stdin',
            ),
          ),
        ),
      );
      return performance.now() - startedAt;
    },
    async endToEnd(count, workers) {
      const startedAt = performance.now();
      let left = count;
      const work = async () => {
        while (left > 0) {
          left -= 1;
          await withClient(async (client) => {
            const [[operation = ''] = [], ...batches] = await accept(client);
            for (const ids of batches) await dispatch(client, operation, ids);
            for (const ids of batches) await receive(client, operation, ids);
          });
        }
      };
      await Promise.all(Array.from({ length: workers }, work));
      return performance.now() - startedAt;
    },
    close: () => pool.end(),
  };
}
