/** The parts of a scenario: PostgreSQL behind a gate, nodes, a witness, and a client that follows the rules. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  clusterFolder,
  findPostmaster,
  startEmbedded,
  type EmbeddedPostgres,
} from '../server/src/engine/embedded.ts';
import pg from 'pg';
import { Gate } from './gate.ts';
import { Node, SID, TOKEN } from './node.ts';
import { killAll } from './processes.ts';
import { createRandom, type Random } from './random.ts';
import { STANDBY, startStandby } from './standby.ts';
import { until } from './until.ts';
import { Witness } from './witness.ts';

const RECIPIENTS_MAX = 10_000;
const FIRST_NUMBER = 15_005_000_000;
const SEND_TIMEOUT_MS = 120_000;
const FINISH_TIMEOUT_MS = 90_000;
const STANDBY_TIMEOUT_MS = 30_000;

export interface ClusterOptions {
  readonly nodes: number;
  /** Of the carrier, besides where it is. */
  readonly carrier?: object;
  /** Of every node, besides the carrier. */
  readonly config?: object;
  /** Whether the first node has a gate of its own. */
  readonly isFirstApart?: boolean;
  /** Where PostgreSQL keeps its data instead of a folder of the run. */
  readonly dataDir?: string;
}

/** Clusters that have not ended. */
const open = new Set<Cluster>();

/** Ends all clusters, for a run that is interrupted. */
export async function endAll(): Promise<void> {
  for (const cluster of open) await cluster.end();
}

const AUTHORIZATION = `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`;
/** Recipients of a part of a streamed request. */
const STREAMED_PART = 500;

export interface StreamOptions {
  /** The node that is asked first. */
  readonly first: Node;
  /** Further fields of the request. */
  readonly head?: object;
  readonly onHalf?: () => Promise<void>;
  readonly onWhole?: () => void;
}

export class Cluster {
  readonly witness: Witness;
  /** Of all nodes, or of all but the first. */
  readonly gate: Gate;
  /** Of the first node, if it has its own. */
  readonly gateOfFirst: Gate;
  readonly nodes: readonly Node[];
  readonly #dataDir: string;
  #engine: EmbeddedPostgres;
  #standby: EmbeddedPostgres | null = null;
  #isPrimaryDead = false;
  #sent = 0;
  /** Answers other than 202 that the client obeyed: how often each status came. */
  readonly refusals = new Map<number, number>();

  private constructor(
    witness: Witness,
    gate: Gate,
    gateOfFirst: Gate,
    engine: EmbeddedPostgres,
    dataDir: string,
    nodes: readonly Node[],
  ) {
    this.witness = witness;
    this.gate = gate;
    this.gateOfFirst = gateOfFirst;
    this.#engine = engine;
    this.#dataDir = dataDir;
    this.nodes = nodes;
    open.add(this);
  }

  static async start(folder: string, random: Random, options: ClusterOptions): Promise<Cluster> {
    await mkdir(folder, { recursive: true });
    const dataDir = options.dataDir ?? join(folder, 'data');
    // Numbers of its own: how many it needs is a matter of time, and the scenario's must not be.
    const chance = createRandom(random.between(0, 1e9));
    const witness = await Witness.start(() => chance.between(0, 999_999) / 1e6);
    const engine = await startEmbedded({ dataDir });
    const gate = await Gate.open(engine.tcpUrl);
    const gateOfFirst = options.isFirstApart ? await Gate.open(engine.tcpUrl) : gate;
    const config = {
      port: 0,
      logLevel: 'info',
      limits: { requestsPerSecond: 100_000 },
      carriers: {
        smsc: {
          kind: 'smpp',
          host: '127.0.0.1',
          port: witness.port,
          systemId: 'chaos',
          password: 'chaos',
          binds: 2,
          reconnectMinMs: 100,
          reconnectMaxMs: 1_000,
          ...options.carrier,
        },
      },
      senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'smsc' }],
      dispatch: { databaseConnections: 4 },
      ...options.config,
    };
    const nodes = Array.from(
      { length: options.nodes },
      (_, i) =>
        new Node(
          `node-${i + 1}`,
          folder,
          (i === 0 ? gateOfFirst : gate).urlOf(engine.tcpUrl),
          config,
        ),
    );
    const cluster = new Cluster(witness, gate, gateOfFirst, engine, dataDir, nodes);
    try {
      for (const node of nodes) await node.start();
    } catch (error) {
      await cluster.end();
      throw error;
    }
    return cluster;
  }

  /** The database itself, past the gate. */
  get databaseUrl(): string {
    return this.#engine.tcpUrl;
  }

  /** Messages accepted so far. */
  get accepted(): number {
    return this.#sent;
  }

  async stopPostgres(): Promise<void> {
    await this.#engine.stop();
  }

  async startPostgres(): Promise<void> {
    this.#engine = await startEmbedded({ dataDir: this.#dataDir });
    this.gate.aim(this.#engine.tcpUrl);
  }

  /** Starts a standby. From now on a commit is acknowledged when the standby has it on disk too. */
  async startStandby(): Promise<void> {
    this.#standby = await startStandby(
      this.#engine.tcpUrl,
      this.#dataDir,
      `${this.#dataDir}-standby`,
    );
    const untilItIs = (what: string) =>
      until(`the standby is ${what}`, STANDBY_TIMEOUT_MS, async () => {
        const [row] = await this.sql<{ state: string; sync_state: string }>(
          'select state, sync_state from pg_stat_replication where application_name = $1',
          [STANDBY],
        );
        return row?.state === what || row?.sync_state === what;
      });
    await untilItIs('streaming');
    await this.waitForStandby(STANDBY);
    await untilItIs('sync');
  }

  /** From now on commits wait for the standby of that name, whether there is one or not; for none where it is null. */
  async waitForStandby(name: string | null): Promise<void> {
    await this.sql(`alter system set synchronous_standby_names = '${name ?? ''}'`);
    await this.sql('select pg_reload_conf()');
  }

  /** The process that all processes of PostgreSQL descend from. */
  async findPostmaster(): Promise<number> {
    const pid = await findPostmaster(clusterFolder(this.#dataDir));
    if (pid === null) throw new Error('PostgreSQL does not run.');
    return pid;
  }

  /** Kills PostgreSQL, all of it and for good. */
  async killPostgres(): Promise<void> {
    // The engine would start it again, if it were not stopped before it sees the end.
    await killAll(await this.findPostmaster(), () => this.#engine.stop());
    this.#isPrimaryDead = true;
  }

  /** Sends everybody to the standby, as a proxy or a DNS does. It can only be read until it is promoted. */
  takeStandby(): void {
    if (this.#standby === null) throw new Error('There is no standby.');
    this.#engine = this.#standby;
    this.gate.aim(this.#standby.tcpUrl);
  }

  /** Runs a statement past the gate. */
  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.#engine.tcpUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Sends to this many new recipients, in requests of 10,000 at most. */
  async send(messages: number, perRequest = RECIPIENTS_MAX): Promise<void> {
    for (let left = messages; left > 0; left -= perRequest) {
      const from = FIRST_NUMBER + this.#sent;
      const count = Math.min(left, perRequest);
      this.#sent += count;
      await this.#post(
        JSON.stringify({
          to: Array.from({ length: count }, (_, i) => ({
            address: `+${from + i}`,
            channel: 'PHONE',
          })),
          content: { text: 'Hello, your order is on its way.' },
        }),
        `chaos-${from}`,
      );
    }
  }

  /**
   * Sends to this many new recipients as one streamed request, first to this node. Resolves with the operation's path. `onHalf` is
   * awaited once, in the middle of the body, and `onWhole` called when all of it was sent.
   */
  async stream(
    messages: number,
    { first, head = {}, onHalf = async () => undefined, onWhole = () => undefined }: StreamOptions,
  ): Promise<string> {
    const from = FIRST_NUMBER + this.#sent;
    this.#sent += messages;
    let halves = 0;
    async function* compose(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(
        `${JSON.stringify({ content: { text: 'Hello, your order is on its way.' }, ...head })}\n`,
      );
      for (let i = 0; i < messages; i += STREAMED_PART) {
        const rows = Array.from({ length: Math.min(STREAMED_PART, messages - i) }, (_, j) =>
          JSON.stringify({ address: `+${from + i + j}`, channel: 'PHONE' }),
        );
        yield Buffer.from(`${rows.join('\n')}\n`);
        if (i + STREAMED_PART >= messages / 2 && halves === 0) {
          halves += 1;
          await onHalf();
        }
      }
      onWhole();
    }
    return this.#post(compose, `chaos-${from}`, first);
  }

  /** Asks a node to cancel an operation. */
  async cancel(node: Node, location: string): Promise<void> {
    const answer = await fetch(`${node.url}${location}/Cancel`, {
      method: 'POST',
      headers: { authorization: AUTHORIZATION },
    }).catch(() => null);
    await answer?.arrayBuffer().catch(() => undefined);
  }

  /**
   * As a good client: the same key until it is accepted, by whichever node is there, after the delay that it was given. A body
   * that is a function is streamed. Resolves with the operation's path.
   */
  async #post(
    body: string | (() => AsyncIterable<Uint8Array>),
    key: string,
    first?: Node,
  ): Promise<string> {
    const headers = {
      authorization: AUTHORIZATION,
      'content-type': typeof body === 'string' ? 'application/json' : 'application/x-ndjson',
      'idempotency-key': key,
    };
    let tries = 0;
    let location = '';
    await until('a request is accepted', SEND_TIMEOUT_MS, async () => {
      const up = this.nodes.filter((node) => node.isUp);
      const node = tries === 0 && first !== undefined ? first : up[tries % Math.max(1, up.length)];
      tries += 1;
      if (node === undefined) return false;
      const answer = await fetch(`${node.url}/v1/Messages`, {
        method: 'POST',
        headers,
        ...(typeof body === 'string'
          ? { body }
          : { body: ReadableStream.from(body()), duplex: 'half' }),
      } as RequestInit).catch(() => null);
      await answer?.arrayBuffer().catch(() => undefined);
      if (answer?.status === 202) {
        location = new URL(answer.headers.get('location') ?? '', node.url).pathname;
        return true;
      }
      const status = answer?.status ?? 0;
      this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1);
      if (answer !== null && status !== 429 && status !== 503)
        throw new Error(`A request was answered with ${status}.`);
      await sleep(Number(answer?.headers.get('retry-after') ?? 0.2) * 1000);
      return false;
    });
    return location;
  }

  /** Tasks of operations that are not done. */
  async countTasks(): Promise<number> {
    const [row] = await this.sql<{ tasks: number }>(
      'select count(*)::int as tasks from operation_task',
    );
    return row?.tasks ?? 0;
  }

  /** Resolves when the witness has accepted a share of the accepted messages. */
  async untilTaken(share: number): Promise<void> {
    await until(`the carrier has ${Math.round(share * 100)}%`, FINISH_TIMEOUT_MS, () => {
      return this.witness.taken.size >= share * this.#sent;
    });
  }

  /** Messages without an end, and what they wait for. Undefined while the database is away. */
  async countOpen(): Promise<{ readonly open: number } | undefined> {
    const [row] = await this.sql<{ open: number }>(
      `select coalesce(sum(scheduled + queued + sent), 0)::int as open, sum(sent)::int as sent,
         (select count(*)::int from dispatch_batch) as batches,
         (select count(*)::int from parked_carrier_receipt) as parked from operation`,
    ).catch(() => []);
    return row;
  }

  /** Resolves when no message can change any more, but for the better. */
  async untilEnded(): Promise<void> {
    let left: object = {};
    await until('all messages end', FINISH_TIMEOUT_MS, async () => {
      const row = await this.countOpen();
      left = row ?? left;
      return row?.open === 0;
    }).catch((error: Error) => {
      throw new Error(`${error.message} Left: ${JSON.stringify(left)}`);
    });
  }

  /** Ends everything, whatever state it is in. */
  async end(): Promise<void> {
    open.delete(this);
    for (const node of this.nodes) await node.kill();
    await this.gate.close();
    if (this.gateOfFirst !== this.gate) await this.gateOfFirst.close();
    await this.witness.stop();
    await this.#engine.stop();
    await this.#standby?.stop();
    // Only its next start takes away the shared memory that it left behind.
    if (this.#isPrimaryDead) await (await startEmbedded({ dataDir: this.#dataDir })).stop();
  }
}
