/** Personal data stays out of the log and the metrics, whatever goes wrong, at the most talkative level. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { special, startFanfare, text, until } from './support/fanfare.ts';
import { deliverSm, startSmsc } from './support/smsc.ts';

/** Marks that stand nowhere else: addresses, a variable, words, a tag, a mailbox, what a person said, and a path. */
const MARKS = {
  phone: '+15005567391',
  poison: '+15005564826',
  variable: 'Zebedee-Quartz',
  words: 'flamingo-sale',
  tag: 'vip-of-oslo',
  mailbox: 'quokka@wombat.example',
  said: 'armadillo?',
  from: '4917098765432',
  query: 'pangolin',
};

describe('the log and the metrics', () => {
  it('name no person and none of their words, through success and every failure', async () => {
    const smsc = await startSmsc();
    onTestFinished(() => smsc.close());
    const config = {
      logLevel: 'trace',
      retry: { triesMax: 2, delayMs: 20 },
      limits: { requestsPerSecond: 100_000 },
      carriers: {
        simulator: { answerDelayMs: { min: 0, max: 5 }, receiptDelayMs: { min: 0, max: 5 } },
        smsc: { kind: 'smpp', host: '127.0.0.1', port: smsc.port, systemId: 'x', password: 'x' },
      },
      senders: [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator', default: true },
        { address: '+15005550200', channel: 'SMS', carrier: 'smsc' },
        { address: 'fanfare@example.com', channel: 'EMAIL', carrier: 'simulator' },
      ],
    };
    const fanfare = await startFanfare({ config });
    await until(async () => smsc.sessions.some((each) => each.boundAs !== null));
    const sql = (words: string) => fanfare.database.query(words);
    const person = (address: string) => ({
      address,
      channel: 'PHONE',
      variables: { name: MARKS.variable },
    });
    const request = (addresses: readonly string[]) => ({
      to: addresses.map(person),
      content: text(`${MARKS.words} {{ name }}`),
      tags: { kind: MARKS.tag },
    });
    const odd = [1, 2, 3, 4, 5, 6, 7, 8, 11].map((n) => special(n)['address']);
    const say = (words: string) =>
      smsc.session.send(
        deliverSm({
          text: words,
          source: { ton: 1, npi: 1, address: MARKS.from },
          destination: { ton: 1, npi: 1, address: '15005550200' },
        }),
      );

    // Success, and what carriers refuse or report.
    const id = await fanfare.send(request([MARKS.phone, ...odd]));
    await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    const bySmsc = await fanfare.send({
      ...request([MARKS.phone]),
      from: { address: '+15005550200', channel: 'SMS' },
    });
    await fanfare.watch(bySmsc, ({ stats }) => stats.sent === 1);
    const email = {
      from: { address: 'fanfare@example.com' },
      to: [{ address: MARKS.mailbox, variables: { name: MARKS.variable } }],
      content: { subject: MARKS.words, html: '{{ name }}' },
    };
    expect((await fanfare.request('POST', '/v1/Emails', email)).status).toBe(202);
    say(MARKS.said);
    await until(
      async () => (await fanfare.get('/v1/Messages?status=INBOUND')).body['messages'].length === 1,
    );

    // Requests that are refused, malformed, or name what there is not.
    await fanfare.request('POST', '/v1/Messages', { ...request(['x']), [MARKS.query]: 1 });
    await fanfare.request('POST', '/v1/Messages', `{"to": ["${MARKS.phone}"`);
    await fanfare.request('POST', '/v1/Messages/Search', { address: MARKS.phone });
    await fanfare.request('POST', '/v1/Suppressions', { address: MARKS.phone });
    await fanfare.get(`/v1/Messages?tags=kind:${MARKS.query}`);
    await fanfare.get(`/v1/Nothing/${MARKS.query}?address=${MARKS.query}`);
    const wrong = Buffer.from(`${MARKS.query}:${MARKS.query}`).toString('base64');
    await fanfare.request('GET', '/v1/Messages', undefined, { authorization: `Basic ${wrong}` });
    const noContent = { ...request([MARKS.phone]), content: text('{{ missing }}') };
    await fanfare.request('POST', '/v1/Messages', noContent);

    // Statements that PostgreSQL refuses, with the row that it refuses: at acceptance, at settlement, of a person's words.
    await sql(
      `alter table message add constraint p check (address <> '${MARKS.poison}') not valid`,
    );
    const broken = await fanfare.request('POST', '/v1/Messages', request([MARKS.poison]));
    expect(broken.status).toBe(500);
    expect(JSON.stringify(broken.body)).not.toContain(MARKS.poison);
    await sql('alter table message drop constraint p');
    await sql(`alter table message add constraint p check (status = 'QUEUED') not valid`);
    await sql(`alter table inbound_message add constraint p check (text = '') not valid`);
    await fanfare.send(request([MARKS.phone, ...odd]));
    say(MARKS.said);
    await until(async () => /cannot be settled/.test(fanfare.errors()));
    await until(async () =>
      /A delivery from the SMSC could not be processed/.test(fanfare.errors()),
    );
    await sql('alter table message drop constraint p');
    await sql('alter table inbound_message drop constraint p');

    // A database that goes away in the middle.
    for (let times = 0; times < 3; times += 1) {
      const sending = fanfare.request('POST', '/v1/Messages', request([MARKS.phone, ...odd]));
      await sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'fanfare%'`,
      );
      await sending;
    }
    await until(async () => (await fanfare.get('/readyz')).status === 200);

    const metrics = (await fanfare.get('/metrics')).body['text'];
    expect(metrics).toContain('fanfare_');
    const log = fanfare.errors();
    expect(log).toContain('A request failed');
    for (const mark of Object.values(MARKS))
      for (const said of [log, fanfare.output(), metrics]) expect(said).not.toContain(mark);
    for (const number of odd) expect(log).not.toContain(number);
  }, 120_000);
});
