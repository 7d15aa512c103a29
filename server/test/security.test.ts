/** Hostile requests against a real server: each is refused or harmless, and others are answered meanwhile. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { runCommand } from './support/command-host.ts';
import {
  recipients,
  runProgram,
  SID,
  smsOnly,
  startFanfare,
  text,
  useFanfare,
  type FanfareClient,
} from './support/fanfare.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare();
});

/** Writes to a connection and resolves with all that came until the server closed it. */
async function talk(request: string, { url } = fanfare): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
  socket.write(request, 'latin1');
  // Not by `once`, which an error would reject: a server that closes on what it has not read breaks the connection.
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

const statusesOf = (answer: string) =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));

const send = (body: unknown) => fanfare.request('POST', '/v1/Messages', body);

async function expectAlive(): Promise<void> {
  expect((await fanfare.get('/readyz')).status).toBe(200);
}

describe('requests that two servers would read differently', () => {
  const head = 'POST /v1/Messages HTTP/1.1\r\nHost: x\r\n';
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const [name, request] of [
    ['two lengths', `${head}Content-Length: 4\r\nContent-Length: 40\r\n\r\n{}  ${smuggled}`],
    [
      'a length and chunks',
      `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['chunks that are hidden', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    [
      'chunks after something else',
      `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['space before the colon', `${head}Content-Length : 4\r\n\r\n{}  ${smuggled}`],
    ['a folded header', `${head}X-A: b\r\n Content-Length: 4\r\n\r\n${smuggled}`],
    ['a length with a sign', `${head}Content-Length: +4\r\n\r\n{}  ${smuggled}`],
    [
      'lines that end in LF',
      `${head.replaceAll('\r\n', '\n')}Content-Length: 4\n\n{}  ${smuggled}`,
    ],
    ['NUL in a header', `${head}X-A: a\0b\r\n\r\n${smuggled}`],
    [
      'a chunk size that overflows',
      `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${smuggled}`,
    ],
  ] as const)
    it(`${name}: one 400, and the connection ends`, async () => {
      const answer = await talk(request);
      expect(statusesOf(answer)).toEqual([400]);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
        errors: [{ code: 20422 }],
        status: 400,
      });
    });
});

describe('slow and large requests', () => {
  it('are not waited for without end', async () => {
    // Only here: whatever else is asked for may take its time on a slow machine.
    const hasty = await useFanfare({
      config: { limits: { headersTimeoutMs: 500, requestTimeoutMs: 1_000 } },
    });
    const authorization = `Basic ${Buffer.from(`${hasty.sid}:${hasty.token}`).toString('base64')}`;
    const head = 'GET /v1/Messages HTTP/1.1\r\nHost: x\r\nX-Slow: ';
    expect(statusesOf(await talk(head, hasty))).toEqual([408]);
    const body = `POST /v1/Messages HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`;
    expect(statusesOf(await talk(body, hasty))).toEqual([408]);
    // What was answered without its body gets no second answer when that does not come.
    const answer = await talk(body.replace('application/json', 'text/plain'), hasty);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 415']);
    expect((await hasty.get('/readyz')).status).toBe(200);
  });

  it('have bounds on headers, path and body', async () => {
    const huge = 'a'.repeat(100_000);
    const overflow = await talk(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${huge}\r\n\r\n`);
    expect(statusesOf(overflow)).toEqual([431]);
    expect(overflow).toContain('"code":20431');
    const many = Array.from({ length: 5_000 }, (_, i) => `X-${i}: a`).join('\r\n');
    expect(statusesOf(await talk(`GET / HTTP/1.1\r\nHost: x\r\n${many}\r\n\r\n`))).toEqual([431]);
    expect((await fanfare.get(`/v1/Messages/${'a'.repeat(10_000)}`)).status).toBe(414);
    expect((await send(`{"a":"${'a'.repeat(11_000_000)}"}`)).status).toBe(413);
    await expectAlive();
  });

  it('may nest as deeply as they like', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const deepObject = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    for (const value of [deep, deepObject])
      for (const body of [
        value,
        `{"to":${value},"content":{"text":"a"}}`,
        `{"to":[{"address":"+15005550101","channel":"PHONE","variables":${value}}],"content":{"text":"a"}}`,
        `{"to":[{"address":"+15005550101","channel":"PHONE"}],"content":${value}}`,
        `{"to":[{"address":"+15005550101","channel":"PHONE"}],"content":{"text":"a"},"tags":${value}}`,
      ])
        expect((await send(body)).status).toBe(400);
    for (const path of ['/v1/Senders', '/v1/Content', '/v1/Suppressions', '/v1/Emails'])
      expect((await fanfare.request('POST', path, deep)).status).toBe(400);
    await expectAlive();
  });
});

describe('names that mean something to JavaScript', () => {
  const hostile = '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';

  it('change nothing, wherever they stand', async () => {
    const to = '[{"address":"+15005550101","channel":"PHONE"}]';
    for (const body of [
      hostile,
      `{"to":${to},"content":{"text":"a"},"__proto__":{"dryRun":true}}`,
      `{"to":${to},"content":{"text":"a","__proto__":{"mediaUrls":["x"]}}}`,
      `{"to":[{"address":"+15005550101","channel":"PHONE","__proto__":{"a":1}}],"content":{"text":"a"}}`,
    ])
      expect((await send(body)).status).toBe(400);
    const answer = await send(
      `{"to":[{"address":"+15005550101","channel":"PHONE","variables":{"name":"Ada"}}],"dryRun":true,"content":{"text":"{{ name }}|{{ polluted }}|{{ constructor }}|{{ name.constructor.name }}|{{ __proto__ }}"}}`,
    );
    expect(JSON.stringify(answer.body)).not.toMatch(/yes|function|Object|String/);
    await expectAlive();
  });
});

describe('words that regular expressions could be long about', () => {
  it('are refused or taken, and nobody waits', async () => {
    // What a pattern of nested or adjoining repetitions would not end with before the test does.
    const words = [
      '1'.repeat(100_000),
      '+'.repeat(100_000),
      `a@${'a.'.repeat(50_000)}`,
      `${'-'.repeat(100_000)}!`,
      `{{${' '.repeat(100_000)}`,
      `${'{%'.repeat(50_000)}`,
      `https://${'a/'.repeat(50_000)}`,
      ' '.repeat(100_000),
    ];
    const body = (word: string) => [
      { to: [{ address: word, channel: 'PHONE' }], content: text('a') },
      { to: recipients(1), content: text(word) },
      { to: recipients(1), content: { text: 'a', mediaUrls: [word] } },
      { to: recipients(1), content: text('a'), from: { address: word, channel: 'SMS' } },
      { to: recipients(1), content: text('a'), schedule: { sendAt: [word] } },
      { to: recipients(1), content: text('a'), tags: { [word]: word } },
    ];
    for (const word of words) {
      const answers = await Promise.all(body(word).map((each) => send({ ...each, dryRun: true })));
      for (const { status } of answers) expect([200, 202, 400]).toContain(status);
      for (const path of ['Messages?pageToken=', 'Messages?to=', 'Messages/Operations?startDate='])
        expect(
          (await fanfare.get(`/v1/${path}${encodeURIComponent(word.slice(0, 5_000))}`)).status,
        ).toBeLessThan(500);
    }
    const authorization = `Basic ${'A'.repeat(10_000)}`;
    expect(
      (await fanfare.request('GET', '/v1/Messages', undefined, { authorization })).status,
    ).toBe(401);
    await expectAlive();
  });
});

describe('URLs in requests', () => {
  it('are never called by the server', async () => {
    let calls = 0;
    const inside = createServer((_, response) => {
      calls += 1;
      response.end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void inside.close());
    await once(inside, 'listening');
    const url = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/a.png`;
    const content = { modules: [{ sms: { text: 'a', media: [{ url }] } }] };
    const id = await fanfare.send({ to: recipients(1), content, ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.delivered === 1);
    expect(calls).toBe(0);
  });
});

describe('secrets', () => {
  it('are in no log, no answer and no metrics, whatever goes wrong', async () => {
    const secrets = {
      token: 'log-me-not-token-0123456789',
      carrier: 'log-me-not-carrier',
      key: 'log-me-not-wrong',
    };
    const server = await startFanfare({
      config: {
        logLevel: 'trace',
        carriers: {
          simulator: {},
          smsc: {
            kind: 'smpp',
            host: '127.0.0.1',
            port: 9,
            systemId: 'a',
            password: secrets.carrier,
          },
        },
      },
      env: { FANFARE_AUTH_TOKEN: secrets.token },
    });
    const credentials = (secret: string) => ({
      authorization: `Basic ${Buffer.from(`${SID}:${secret}`).toString('base64')}`,
    });
    const answers = [
      await server.request('GET', '/v1/Messages', undefined, credentials(secrets.token)),
      await server.request('GET', '/v1/Messages', undefined, credentials(secrets.key)),
      await server.request('POST', '/v1/Messages', '{', credentials(secrets.token)),
      await server.request('GET', '/metrics'),
    ];
    const shown = await runCommand(
      ['config', 'print', '--config', join(server.folder, 'config.json')],
      {
        DATABASE_URL: server.databaseUrl,
        FANFARE_ACCOUNT_SID: SID,
        FANFARE_AUTH_TOKEN: secrets.token,
      },
    );
    expect(shown.code).toBe(0);
    const pool = server.databaseUrl.split(':')[2]?.split('@')[0] ?? '';
    const told = `${server.errors()}${JSON.stringify(answers)}${shown.out}${shown.err}`;
    expect(told).not.toMatch(/log-me-not/);
    expect(pool.length).toBeGreaterThan(4);
    expect(told).not.toContain(pool);
  });
});

describe('TLS', () => {
  it('is what the server speaks when it has a certificate, from version 1.2 on', async () => {
    const folder = fanfare.folder;
    const { key, cert } = makeCertificate('localhost');
    const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
    await writeFile(files.certFile, cert);
    await writeFile(files.keyFile, key);
    const server = await startFanfare({ config: { tls: files } });
    const { hostname, port, protocol } = new URL(server.url);
    expect(protocol).toBe('https:');
    const answer = httpsRequest({
      host: hostname,
      port,
      path: '/readyz',
      ca: cert,
      servername: 'localhost',
    }).end();
    const [response] = await once(answer, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
    const old = connectTls({
      host: hostname,
      port: Number(port),
      ca: cert,
      servername: 'localhost',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    const [error] = await once(old, 'error');
    expect(String(error)).toMatch(/version|protocol|alert/i);

    await writeFile(files.keyFile, 'no key');
    const refused = await runProgram(['start'], {
      FANFARE_TLS_CERT_FILE: files.certFile,
      FANFARE_TLS_KEY_FILE: files.keyFile,
      DATABASE_URL: server.databaseUrl,
    });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('tls.keyFile');
  });
});
