/** The parts of sinks to brokers, and their configuration. No broker is needed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { buildSinks, checkSinkPackages } from '../../src/build-sinks.ts';
import { describeConfig, loadConfig } from '../../src/config/config.ts';
import { readSinks } from '../../src/config/sinks.ts';
import { createOrderedWindow } from '../../src/events/ordered-window.ts';
import { createSharedLink } from '../../src/events/shared-link.ts';
import { composeSubject, findSubjectProblem } from '../../src/events/subject.ts';
import { createLogger } from '../../src/lib/log.ts';
import { event } from '../support/broker-events.ts';

describe('a subject', () => {
  it.each([
    ['fanfare.{type}', 'com.example.sent', 'op_1', 'fanfare.com.example.sent'],
    ['{key}', 'x', 'op.1 *', 'op_1__'],
    ['a.{type}.{key}', '.b..c.', '>', 'a._.b._.c._._'],
    ['{type}-{type}', '$&', 'k', '__-__'],
  ])('of %s, type %j and key %j is %s', (template, type, key, subject) => {
    expect(findSubjectProblem(template)).toBeNull();
    expect(composeSubject(template, event(1, key, { type }))).toBe(subject);
  });

  it.each([
    '',
    '.a',
    'a.',
    'a..b',
    'a b',
    'a.*',
    '>',
    '$JS.x',
    '{typ}',
    '{type',
    'ä',
    'a'.repeat(201),
  ])('is not made from %j', (template) => {
    expect(findSubjectProblem(template)).toEqual(expect.any(String));
  });

  it('has no empty token and no wildcard, whatever the event is called', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (type, key) => {
        const subject = composeSubject('fanfare.{type}.{key}', event(1, key, { type }));
        expect(subject).toMatch(/^fanfare(\.[A-Za-z0-9_-]+)+$/);
      }),
    );
  });
});

describe('an ordered window', () => {
  const plan = fc.record({
    windowMax: fc.integer({ min: 1, max: 8 }),
    windowPerKey: fc.integer({ min: 1, max: 4 }),
    runs: fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 }), { maxLength: 3 }),
    turns: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 10 }),
  });

  it('begins the items of each key in order, and never more than it may', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ windowMax, windowPerKey, runs, turns }) => {
        const window = createOrderedWindow({ windowMax, windowPerKey });
        let underWay = 0;
        const begun = runs.map((): { key: string; n: number }[] => []);
        const results = runs.map((keys, run) => {
          const open = new Map<string, number>();
          const items = keys.map((key, n) => ({ key, n }));
          return window.run(items, {
            keyOf: ({ key }) => key,
            signal: new AbortController().signal,
            async work(item) {
              begun[run]?.push(item);
              underWay += 1;
              open.set(item.key, (open.get(item.key) ?? 0) + 1);
              expect(underWay).toBeLessThanOrEqual(windowMax);
              expect(open.get(item.key)).toBeLessThanOrEqual(windowPerKey);
              for (let i = 0; i < (turns[item.n % turns.length] ?? 0); i += 1) await turn();
              underWay -= 1;
              open.set(item.key, (open.get(item.key) ?? 0) - 1);
            },
          });
        });
        expect(await Promise.all(results)).toEqual(runs.map(() => ({ failure: null })));
        for (const [run, keys] of runs.entries())
          for (const key of ['a', 'b', 'c']) {
            const order = (begun[run] ?? []).filter((each) => each.key === key);
            expect(order.map(({ n }) => n)).toEqual(
              keys.flatMap((each, n) => (each === key ? [n] : [])),
            );
          }
      }),
      { numRuns: 50 },
    );
  });

  it.each(['a failure', 'an abort'])('begins nothing more after %s', async (what) => {
    const window = createOrderedWindow({ windowMax: 2, windowPerKey: 1 });
    const late = new AbortController();
    const begun: string[] = [];
    const { failure } = await window.run(['a0', 'b0', 'a1', 'b1', 'c0'], {
      keyOf: (item) => item.charAt(0),
      signal: late.signal,
      async work(item) {
        begun.push(item);
        await turn();
        if (item !== 'a0') return;
        if (what === 'an abort') late.abort();
        else throw new Error('no');
      },
    });
    expect(begun).toEqual(['a0', 'b0']);
    expect(failure).toEqual(what === 'an abort' ? null : { reason: new Error('no') });
  });
});

describe('a shared link', () => {
  it('is opened once for all, and closed when its last user is done', async () => {
    const log: string[] = [];
    let opened = 0;
    const shared = createSharedLink<{ n: number }>({
      async open() {
        await turn();
        opened += 1;
        log.push(`open ${opened}`);
        return { n: opened };
      },
      close: async ({ n }) => void log.push(`close ${n}`),
    });
    let end: () => void = () => undefined;
    const first = shared.use(async (link) => {
      shared.drop(link);
      await new Promise<void>((resolve) => (end = resolve));
      return link.n;
    });
    expect(await shared.use(async ({ n }) => n)).toBe(1);
    expect(await shared.use(async ({ n }) => n)).toBe(2);
    expect(log).toEqual(['open 1', 'open 2']);
    end();
    expect(await first).toBe(1);
    expect(log).toEqual(['open 1', 'open 2', 'close 1']);
    await shared.close();
    expect(log).toEqual(['open 1', 'open 2', 'close 1', 'close 2']);
  });

  it('is opened anew after it could not be', async () => {
    let tries = 0;
    const shared = createSharedLink<{ n: number }>({
      async open() {
        tries += 1;
        if (tries === 1) throw new Error('away');
        return { n: tries };
      },
      close: async () => undefined,
    });
    await expect(
      Promise.all([shared.use(async () => 1), shared.use(async () => 2)]),
    ).rejects.toThrow('away');
    expect(await shared.use(async ({ n }) => n)).toBe(2);
  });
});

describe('the configuration of sinks', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const findings = (options: object) =>
    readSinks({ events: options }, {}).findings.map(({ path, text }) => `${path}: ${text}`);
  const nats = { kind: 'nats', servers: ['nats://nats.example:4222'] };
  const kafka = { kind: 'kafka', brokers: ['kafka.example:9092'] };

  it('has defaults for all but where the broker is', () => {
    expect(readSinks({ n: { ...nats }, k: { ...kafka } }, {})).toMatchObject({
      findings: [],
      read: {
        n: { subject: 'fanfare.{type}', timeoutMs: 10_000, windowMax: 256, windowPerKey: 1 },
        k: { topic: 'fanfare', compression: 'none', requestBytesMax: 900_000, tls: null },
      },
    });
  });

  it.each([
    [{}, 'sinks.events.kind: is missing; use nats or kafka.'],
    [{ kind: 'natz' }, 'sinks.events.kind: there is no kind "natz". Did you mean nats?'],
    [{ ...nats, subjet: 'a' }, 'sinks.events: there is no setting "subjet". Did you mean subject?'],
    [{ kind: 'nats' }, "sinks.events: must have required property 'servers'."],
    [{ ...nats, servers: [] }, /^sinks\.events\.servers: must NOT have fewer than 1 items/],
    [{ ...nats, servers: ['nats://a:b@c'] }, /^sinks\.events\.servers\.0: must match pattern/],
    [{ ...nats, subject: 'a.{id}' }, /^sinks\.events\.subject: there is no \{id\}/],
    [
      { ...nats, username: 'fan' },
      'sinks.events.username: set both username and password, or neither.',
    ],
    [
      { ...nats, token: 'a', credentials: 'b' },
      'sinks.events: accepts only one of username with password, token, and credentials.',
    ],
    [{ ...kafka, brokers: ['kafka.example'] }, /^sinks\.events\.brokers\.0: must match pattern/],
    [{ ...kafka, topic: 'a b' }, /^sinks\.events\.topic: must match pattern/],
    [
      { ...kafka, sasl: { mechanism: 'gssapi', username: 'a', password: 'b' } },
      'sinks.events.sasl.mechanism: must be one of plain, scram-sha-256, scram-sha-512.',
    ],
    [
      { ...kafka, tls: { certificate: 'a' } },
      'sinks.events.tls.certificate: set both certificate and privateKey, or neither.',
    ],
  ])('%j is refused', (options, words) => {
    expect(findings(options)).toEqual([
      words instanceof RegExp ? expect.stringMatching(words) : words,
    ]);
  });

  function load(sinks: unknown, env: Record<string, string> = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-sinks-'));
    folders.push(folder);
    writeFileSync(join(folder, 'password'), 'from a file\n');
    const file = join(folder, 'fanfare.config.json');
    writeFileSync(file, JSON.stringify({ sinks }).replaceAll('FOLDER', folder));
    return loadConfig(file, env);
  }

  it('takes secrets from elsewhere, and shows none', () => {
    const sasl = { username: { env: 'FANFARE_TEST_USER' }, password: { file: 'FOLDER/password' } };
    const config = load(
      {
        n: { ...nats, credentials: '-----BEGIN NATS USER JWT-----' },
        k: { ...kafka, sasl, tls: { certificate: 'public', privateKey: 'private' } },
      },
      { FANFARE_TEST_USER: 'from the environment' },
    );
    expect(config.sinks['k']).toMatchObject({
      sasl: {
        mechanism: 'scram-sha-512',
        username: 'from the environment',
        password: 'from a file',
      },
    });
    const shown = describeConfig(config)['sinks'];
    expect(shown).toMatchObject({
      n: { credentials: '********', servers: nats.servers },
      k: {
        sasl: { username: '********', password: '********' },
        tls: { certificate: 'public', privateKey: '********' },
      },
    });
  });

  it('takes names of lower-case letters, digits, _ and - only', () => {
    expect(() => load({ Events: nats })).toThrow(
      /\$\.sinks: "Events" is not a valid name; use lower-case letters, digits, _ and -\./,
    );
    expect(load({}).sinks).toEqual({});
  });

  it('becomes sinks that begin without their brokers and stop', async () => {
    const config = load({
      n: { kind: 'nats', servers: ['nats://127.0.0.1:1'], timeoutMs: 1_000 },
      k: { kind: 'kafka', brokers: ['127.0.0.1:1'], timeoutMs: 1_000 },
    });
    checkSinkPackages(config);
    const sinks = await buildSinks(config, createLogger('silent'));
    expect(Object.keys(sinks)).toEqual(['n', 'k']);
    await Promise.all(Object.values(sinks).map((sink) => sink.stop()));
  });
});
