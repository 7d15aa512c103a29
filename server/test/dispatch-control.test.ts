/**
 * Guarantees while a carrier is unavailable, for every kind of carrier: cancel, pause, expiry, quiet hours and daily
 * cap. No message that waits for the carrier may be below a high-water mark, so all of them can be stopped, and a crash
 * puts few in doubt.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  QUICK,
  launchFanfare,
  openAccount,
  special,
  startFanfare,
  text,
  until,
  type Fanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { reply, startProvider } from './support/http-provider.ts';
import { refusal, startMailServer } from './support/mail-server.ts';
import { startSmsc, submitAnswer } from './support/smsc.ts';

/** A far side that can be away, and begins so. */
interface FarSide {
  readonly channel: 'SMS' | 'EMAIL';
  /** The carrier's options. */
  readonly options: Json;
  /** Whether it shows without a submission that it is away: then nothing is even leased. */
  readonly isSeen: boolean;
  /** Messages taken since it was last away. */
  taken(): number;
  goAway(): Promise<void>;
  comeBack(): void;
  close(): Promise<void>;
}

const KINDS: readonly { readonly kind: string; readonly begin: () => Promise<FarSide> }[] = [
  { kind: 'SMPP, throttling', begin: () => beginSmsc('throttles') },
  { kind: 'SMPP, without a bind', begin: () => beginSmsc('refuses the bind') },
  { kind: 'HTTP', begin: beginProvider },
  { kind: 'SMTP', begin: beginMailServer },
];

async function beginSmsc(
  how: 'throttles' | 'refuses the bind',
  throttledMs = 300,
): Promise<FarSide> {
  let isAway = true;
  let taken = 0;
  const smsc = await startSmsc({
    bind: () => (isAway && how === 'refuses the bind' ? 0x0d : 0),
    submit(pdu, session) {
      if (!isAway) taken += 1;
      session.send(submitAnswer(pdu, `m${taken}`, isAway ? 0x58 : 0));
    },
  });
  return {
    close: () => smsc.close(),
    channel: 'SMS',
    isSeen: how === 'refuses the bind',
    options: {
      kind: 'smpp',
      host: '127.0.0.1',
      port: smsc.port,
      systemId: 'fanfare',
      password: 'secret',
      reconnectMinMs: 50,
      reconnectMaxMs: 200,
      unboundWaitMs: 200,
      throttledMs,
      windowPerBind: 50,
    },
    taken: () => taken,
    async goAway() {
      isAway = true;
      taken = 0;
      if (how === 'throttles') return;
      for (const session of smsc.sessions) session.end();
      await until(async () => smsc.bound === 0);
    },
    comeBack: () => (isAway = false),
  };
}

async function beginProvider(): Promise<FarSide> {
  let taken = 0;
  const away = reply(503, {}, { 'retry-after': '1' });
  const provider = await startProvider(away);
  return {
    close: () => provider.close(),
    channel: 'SMS',
    isSeen: false,
    options: {
      kind: 'http',
      channels: ['SMS'],
      preset: 'classic',
      windowMax: 50,
      settings: { baseUrl: provider.origin, accountSid: 'AC1', authToken: 'secret' },
    },
    taken: () => taken,
    async goAway() {
      taken = 0;
      provider.behave(away);
    },
    comeBack: () =>
      provider.behave((seen, response) => {
        taken += 1;
        reply(201, { sid: `SM${taken}`, status: 'queued' })(seen, response);
      }),
  };
}

async function beginMailServer(): Promise<FarSide> {
  let isAway = true;
  let taken = 0;
  const server = await startMailServer((_mail, answer) => {
    if (!isAway) taken += 1;
    answer(isAway ? refusal(421, '4.3.2 Not now') : null);
  });
  return {
    close: () => server.close(),
    channel: 'EMAIL',
    isSeen: false,
    options: {
      kind: 'smtp',
      host: '127.0.0.1',
      port: server.port,
      security: 'none',
      connections: 10,
    },
    taken: () => taken,
    async goAway() {
      isAway = true;
      taken = 0;
    },
    comeBack: () => (isAway = false),
  };
}

/** Senders of all accounts have addresses of their own. */
let senders = 0;

/** An account of a server, and the carrier that it sends through. */
class Stage {
  readonly fanfare: FanfareClient;
  readonly far: FarSide;
  readonly root: string;

  constructor(fanfare: FanfareClient, far: FarSide) {
    this.fanfare = fanfare;
    this.far = far;
    this.root = far.channel === 'EMAIL' ? '/v1/Emails' : '/v1/Messages';
  }

  async addSender(limits: Json = {}): Promise<Json> {
    senders += 1;
    const { channel } = this.far;
    const address =
      channel === 'EMAIL' ? `shop${senders}@example.com` : `+${15_005_559_000 + senders}`;
    const body = { address, channel, carrier: 'far', ...limits };
    const answer = await this.fanfare.request('POST', '/v1/Senders', body);
    expect(answer.body).toMatchObject({ address });
    return answer.body;
  }

  /** Sends to numbers of no country, and to mailboxes: their clock is UTC's. */
  async send(sender: Json, count: number, more: Json = {}): Promise<string> {
    const isEmail = this.far.channel === 'EMAIL';
    const to = Array.from({ length: count }, (_, i) =>
      isEmail
        ? { address: `person${i}@example.org` }
        : { address: `+999${1_000_000 + i}`, channel: 'PHONE' },
    );
    const { status, body } = await this.fanfare.request('POST', this.root, {
      to,
      content: isEmail ? { subject: 'Hi', html: '<p>Hi</p>' } : text('Hi'),
      from: isEmail ? { address: sender['address'] } : { senderId: sender['id'] },
      ...more,
    });
    expect(body).toHaveProperty('operationId');
    expect(status).toBe(202);
    return body['operationId'];
  }

  act(id: string, what: 'Cancel' | 'Pause' | 'Resume') {
    return this.fanfare.request('POST', `${this.root}/Operations/${id}/${what}`);
  }

  /** Asks the database for something of this account. */
  async #query(statement: string): Promise<Json[]> {
    const { rows } = await this.fanfare.database.query(
      `with own as (select id from account where sid = $1) ${statement}`,
      [this.fanfare.sid],
    );
    return rows;
  }

  /** How many messages have which status. */
  async statuses(): Promise<Json> {
    const rows = await this.#query(
      `select lower(status::text) as status, count(*)::int as n from message
       where account_id = (select id from own) group by status`,
    );
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  }

  /** Waits until the carrier was tried, and nothing is below a high-water mark but what tries it. */
  async isAway(): Promise<void> {
    await until(async () => {
      const [now] = await this.#query(
        `select coalesce(sum(high_water_mark), 0)::int as past, coalesce(max(lease), 0) as leases,
           bool_or(to_jsonb(b) ->> 'not_before' is not null) as given
         from dispatch_batch b where account_id = (select id from own)`,
      );
      return now?.['past'] <= 1 && (this.far.isSeen || now?.['leases'] > 0 || now?.['given']);
    });
  }

  /** Waits until nothing tries the carrier: what was below a high-water mark when its operation was paused may do so for a second. */
  async isStill(): Promise<void> {
    await until(async () => {
      const [now] = await this.#query(
        `select coalesce(sum(high_water_mark), 0)::int as past from dispatch_batch
         where account_id = (select id from own)`,
      );
      return now?.['past'] === 0;
    });
  }

  /** How many messages wait for longer than an hour. */
  async asleep(): Promise<number> {
    const [now] = await this.#query(
      `select coalesce(sum(cardinality(ordinals)), 0)::int as asleep from dispatch_batch
       where due_at > now() + interval '1 hour' and account_id = (select id from own)`,
    );
    return now?.['asleep'];
  }

  /** Errors of messages, and how many have each without a detail. */
  errors(): Promise<Json[]> {
    return this.#query(
      `select error_code, (count(*) filter (where error_detail is null))::int as bare from message
       where account_id = (select id from own) group by error_code`,
    );
  }

  /** How many of all messages the carrier has, and is known to have. */
  async sent(): Promise<number> {
    const { sent = 0, delivered = 0 } = await this.statuses();
    return sent + delivered;
  }

  /** The carrier is back, and takes what is sent now and nothing else. */
  async takesOnly(count: number): Promise<void> {
    this.far.comeBack();
    const sender = await this.addSender();
    await this.send(sender, 5);
    await until(async () => this.far.taken() >= count + 5, 60_000);
    await until(async () => (await this.sent()) >= count + 5);
    expect(this.far.taken()).toBe(count + 5);
  }
}

function startWith(far: FarSide): Promise<Fanfare> {
  return launchFanfare({
    config: { carriers: { far: far.options, simulator: QUICK }, retry: { triesMax: 1 } },
  });
}

const TOTAL = 700;

describe.each(KINDS)('while a carrier is unavailable: $kind', ({ begin: beginFar }) => {
  let far: FarSide;
  let fanfare: Fanfare;
  beforeAll(async () => {
    far = await beginFar();
    fanfare = await startWith(far);
  });
  afterAll(async () => {
    await fanfare.stop();
    await far.close();
  });

  async function begin(): Promise<Stage> {
    await far.goAway();
    return new Stage(await openAccount(fanfare), far);
  }

  it('cancel ends all that waits, and pause keeps it', async () => {
    const stage = await begin();
    const sender = await stage.addSender();
    const canceled = await stage.send(sender, TOTAL);
    const paused = await stage.send(sender, TOTAL);
    await stage.isAway();
    expect((await stage.act(canceled, 'Cancel')).status).toBe(200);
    expect((await stage.act(paused, 'Pause')).status).toBe(200);
    await until(async () => (await stage.statuses())['canceled'] === TOTAL);
    await stage.isStill();
    await stage.takesOnly(0);
    expect(await stage.statuses()).toMatchObject({ canceled: TOTAL, queued: TOTAL });
    expect((await stage.act(paused, 'Resume')).status).toBe(200);
    await until(async () => stage.far.taken() === TOTAL + 5, 60_000);
  }, 120_000);

  it('expired messages end FAILED, and are not sent', async () => {
    const stage = await begin();
    const sender = await stage.addSender();
    await stage.send(sender, TOTAL, { expireAt: new Date(Date.now() + 2_000).toISOString() });
    await until(async () => (await stage.statuses())['failed'] === TOTAL);
    expect(stage.far.taken()).toBe(0);
    expect(await stage.errors()).toEqual([{ error_code: 30036, bare: TOTAL }]);
    await stage.takesOnly(0);
  }, 120_000);

  it('quiet hours that begin meanwhile hold', async () => {
    const stage = await begin();
    const sender = await stage.addSender();
    await stage.send(sender, TOTAL);
    await stage.isAway();
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const quiet = await stage.fanfare.request('PATCH', `/v1/Senders/${sender['id']}`, {
      quietHours: { start: at(-1).slice(11, 16), end: at(3).slice(11, 16) },
    });
    expect(quiet.body).toHaveProperty('quietHours.start');
    // All of it waits for their end, as soon as it is looked at. Without a bind nobody looks.
    if (stage.far.isSeen) stage.far.comeBack();
    await until(async () => (await stage.asleep()) === TOTAL);
    await stage.takesOnly(0);
  }, 120_000);

  it("the day's cap is neither used up nor exceeded", async () => {
    const stage = await begin();
    const sender = await stage.addSender({ dailyCap: 40 });
    await stage.send(sender, TOTAL);
    await stage.isAway();
    stage.far.comeBack();
    await until(async () => stage.far.taken() >= 40, 60_000);
    await until(async () => (await stage.sent()) === 40);
    await stage.takesOnly(40);
    expect((await stage.statuses())['queued']).toBe(TOTAL - 40);
  }, 120_000);

  it('a crash puts only the probe in doubt', async () => {
    const stage = await begin();
    const sender = await stage.addSender();
    await stage.send(sender, TOTAL);
    await stage.isAway();
    await fanfare.kill();
    far.comeBack();
    await fanfare.restart();
    await until(async () => (await stage.statuses())['queued'] === undefined, 60_000);
    // An answer that was lost says so in its detail.
    const inDoubt = (await stage.errors()).find(({ error_code }) => error_code === 30050);
    expect(inDoubt?.['bare'] ?? 0).toBeLessThanOrEqual(1);
  }, 120_000);
});

describe('a carrier that throttles for a moment only', () => {
  it("leaves the day's cap to those that it comes to within the same lease", async () => {
    const far = await beginSmsc('throttles', 20);
    onTestFinished(() => far.close());
    const fanfare = await startWith(far);
    onTestFinished(() => fanfare.stop().then(() => undefined));
    const stage = new Stage(fanfare, far);
    const sender = await stage.addSender({ dailyCap: 40 });
    await stage.send(sender, 100);
    await stage.isAway();
    stage.far.comeBack();
    await until(async () => (await stage.sent()) === 40);
    expect(await stage.statuses()).toMatchObject({ queued: 60 });
  });
});

describe('the simulator', () => {
  it('cannot be kept from being stopped by taking little', async () => {
    const fanfare = await startFanfare();
    const journalFile = join(fanfare.folder, 'journal');
    await fanfare.terminate();
    await fanfare.restart({ carriers: { simulator: { throughputPerSecond: 2, journalFile } } });
    const taken = async () =>
      (await readFile(journalFile, 'utf8')).split('\n').filter(Boolean).length;
    const to = Array.from({ length: TOTAL }, (_, i) => ({
      address: `+999${1_000_000 + i}`,
      channel: 'PHONE',
    }));
    const from = { address: '+15005550100', channel: 'SMS' };
    const id = await fanfare.send({ to, content: text('Hi'), from });
    await until(async () => (await taken()) >= 3);
    const { body } = await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    expect(body['status']).toBe('CANCELED');
    const last = await fanfare.watch(id, ({ stats }) => stats.queued + stats.sent === 0);
    expect(last['stats'].canceled + last['stats'].delivered).toBe(TOTAL);
    // What it took, and no message of the hundreds that its first windows had.
    expect(last['stats'].delivered).toBe(await taken());
    expect(last['stats'].delivered).toBeLessThan(30);
  }, 60_000);
});

describe('a stop while the carrier is silent', () => {
  it('leaves only submitted messages in doubt', async () => {
    let isSilent = true;
    const smsc = await startSmsc({
      submit(pdu, session) {
        if (!isSilent) session.send(submitAnswer(pdu, `m${pdu.sequence}`));
      },
    });
    onTestFinished(() => smsc.close());
    const far = {
      kind: 'smpp',
      host: '127.0.0.1',
      port: smsc.port,
      systemId: 'fanfare',
      password: 'secret',
      windowPerBind: 10,
      responseTimeoutMs: 300_000,
      enquireLinkMs: 300_000,
    };
    const fanfare = await startFanfare({
      config: { carriers: { far, simulator: QUICK }, drainTimeoutMs: 500 },
    });
    const stage = new Stage(fanfare, {
      channel: 'SMS',
      isSeen: false,
      options: far,
      taken: () => 0,
      goAway: async () => undefined,
      comeBack: () => undefined,
      close: async () => undefined,
    });
    await stage.send(await stage.addSender(), 1_500);
    await until(async () => smsc.received('submit_sm').length === 10);
    // The next window is below a high-water mark too, and waits for the first.
    await until(async () => {
      const { rows } = await fanfare.database.query(
        'select sum(high_water_mark)::int as n from dispatch_batch',
      );
      return rows[0].n === 20;
    });
    await fanfare.terminate();
    const { rows } = await fanfare.database.query(
      'select sum(high_water_mark)::int as past, count(leased_until)::int as leased from dispatch_batch',
    );
    expect(rows).toEqual([{ past: 10, leased: 0 }]);
    isSilent = false;
    await fanfare.restart();
    await until(async () => (await stage.statuses())['queued'] === undefined);
    expect(await stage.statuses()).toEqual({ undelivered: 10, sent: 1_490 });
    expect(smsc.received('submit_sm')).toHaveLength(1_500);
  }, 60_000);
});

describe('a fallback to one person', () => {
  // The sender's four places have batches of 500; each of them would be at work for a minute.
  it.each([
    ['of another sender', 1_500],
    ['of its own sender, with a place to spare', 1_500],
    ['of its own sender, in all places', 2_500],
  ])(
    'gets its fair share among many messages %s with a throughput',
    async (whose, count) => {
      const fanfare = await startFanfare();
      const add = async (address: string, channel: string, more: Json = {}) => {
        const { body } = await fanfare.request('POST', '/v1/Senders', {
          address,
          channel,
          ...more,
        });
        expect(body).toHaveProperty('id');
        return body['id'] as string;
      };
      const slow = await add('+15005559001', 'SMS', { throughput: 15 });
      const to = Array.from({ length: count }, (_, i) => ({
        address: `+999${1_000_000 + i}`,
        channel: 'PHONE',
      }));
      const many = await fanfare.send({ to, content: text('Many'), from: { senderId: slow } });
      await fanfare.watch(many, ({ stats }) => stats.attempts > 0);
      const other = await add('+15005559002', 'SMS');
      const pool = await fanfare.request('POST', '/v1/SenderPools', {
        name: 'both',
        senders: [
          { senderId: await add('an-agent', 'RCS') },
          { senderId: whose === 'of another sender' ? other : slow },
        ],
      });
      const pools = await fanfare.get(`/v1/SenderPools?operationId=${pool.body['operationId']}`);
      const one = await fanfare.send({
        to: [special(6)],
        content: text('One'),
        from: { senderPoolId: pools.body['senderPools'][0].id },
      });
      const done = await until(async () => {
        const operation = await fanfare.operation(one);
        return operation['stats'].delivered === 1 && operation;
      }, 90_000);
      expect(done['stats'].attempts).toBe(2);
      // By the sender's own clock: a minute of it is 900.
      expect((await fanfare.operation(many))['stats'].attempts).toBeLessThan(450);
    },
    120_000,
  );
});
