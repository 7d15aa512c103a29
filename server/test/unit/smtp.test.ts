/** The SMTP carrier against mail servers on loopback. */
import {
  createHash,
  createPublicKey,
  createVerify,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import nodemailer from 'nodemailer';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Carrier, Receipt, Submission } from '../../src/carriers/carrier.ts';
import { createBounceReader } from '../../src/carriers/smtp/bounce-calls.ts';
import { readBounce } from '../../src/carriers/smtp/bounces.ts';
import { textOfHtml } from '../../src/carriers/smtp/compose.ts';
import { SMTP_DEFAULTS, type SmtpOptions } from '../../src/carriers/smtp/options.ts';
import { classifyRefusal } from '../../src/carriers/smtp/replies.ts';
import { createSmtpCarrier } from '../../src/carriers/smtp/smtp.ts';
import { bounceAddressOf, referenceOf } from '../../src/carriers/smtp/verp.ts';
import { readCarriers } from '../../src/config/carriers.ts';
import { findEmailAddressProblem, normaliseEmailAddress } from '../../src/domain/email-address.ts';
import { findHeaderProblem } from '../../src/domain/email-headers.ts';
import type { EmailBody } from '../../src/domain/email.ts';
import {
  aSubmission,
  describeCarrier,
  type Act,
  type FarSide,
} from '../support/carrier-conformance.ts';
import { makeCertificate } from '../support/certificate.ts';
import {
  freePort,
  refusal,
  startMailServer,
  type MailServer,
  type Respond,
} from '../support/mail-server.ts';
import { until } from '../support/until.ts';
import { runs } from '../support/runs.ts';

const BOUNCES = 'bounces@mail.example';
const REFERENCE = '2s-0192f0a0aaaa2bcd9e01234500000012';

const readReceipt = async (...given: Parameters<typeof readBounce>) =>
  (await readBounce(...given)).receipt;

function optionsFor(port: number, fields: Partial<SmtpOptions> = {}): SmtpOptions {
  return {
    ...SMTP_DEFAULTS,
    name: 'mail',
    host: '127.0.0.1',
    port,
    security: 'none',
    // For hangs: no test here waits for it.
    answerTimeoutMs: 20_000,
    logger: pino({ level: 'silent' }),
    onDamage: () => undefined,
    ...fields,
  };
}

function anEmail(fields: Partial<EmailBody> = {}, rest: Partial<Submission> = {}): Submission {
  return aSubmission({
    channel: 'EMAIL',
    from: 'shop@example.com',
    to: 'ada@example.org',
    text: null,
    reference: REFERENCE,
    email: {
      subject: 'Hello',
      html: '<p>Hello <b>Ada</b></p>',
      text: null,
      fromName: null,
      toName: null,
      attachments: [],
      headers: {},
      unsubscribeUrl: null,
      ...fields,
    },
    ...rest,
  });
}

/** A report on an e-mail, as servers send it (RFC 3464). */
function reportOn(
  reference: string,
  action: string,
  status = '5.1.1',
  words = 'smtp; 550 5.1.1 no such user',
): string {
  return [
    'From: MAILER-DAEMON@relay.example',
    'To: someone@relay.example',
    'Subject: Undelivered Mail Returned to Sender',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'It did not work.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; relay.example',
    '',
    'Final-Recipient: rfc822; ada@example.org',
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: ${words}`,
    '',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    `Message-ID: <${reference}@example.com>`,
    'Subject: Hello',
    '',
    '--b--',
    '',
  ].join('\r\n');
}

async function startFarSide(): Promise<
  FarSide & { readonly port: number; readonly bounces: number }
> {
  const plan: Act[] = [];
  const submissions: { to: string; text: string; act: Act }[] = [];
  const references: string[] = [];
  const held: (() => void)[] = [];
  const bounces = await freePort();
  let open = 0;
  let concurrentMax = 0;

  async function report(reference: string, action: string): Promise<void> {
    const mailer = nodemailer.createTransport({
      host: '127.0.0.1',
      port: bounces,
      ignoreTLS: true,
    });
    await mailer.sendMail({
      envelope: { from: '', to: bounceAddressOf(BOUNCES, reference) },
      raw: reportOn(reference, action),
    });
  }

  const server = await startMailServer((mail, answer, socket) => {
    const act = plan.shift() ?? 'accept';
    const reference = referenceOf(BOUNCES, mail.from) ?? '';
    const to = `+${mail.to.split('@')[0]}`;
    submissions.push({ to, text: mail.email.text?.trim() ?? '', act });
    references.push(reference);
    open += 1;
    concurrentMax = Math.max(concurrentMax, open);
    const end = (error?: Error) => {
      open -= 1;
      answer(error, 'OK: queued as q1');
    };
    perform(act, end, () => socket, reference);
  });

  function perform(
    act: Act,
    answer: (error?: Error) => void,
    socket: () => { destroy(): void; write(data: string): void; end(): void },
    reference: string,
  ): void {
    switch (act) {
      case 'accept':
        setImmediate(answer);
        return;
      case 'refuse':
        answer(refusal(554, '5.7.1 Unwanted'));
        return;
      case 'throttle':
        answer(refusal(421, '4.7.0 Too many messages'));
        return;
      case 'drop-before-answer':
        open -= 1;
        socket().destroy();
        return;
      case 'drop-after-answer':
        answer();
        setImmediate(() => socket().end());
        return;
      case 'late':
        held.push(answer);
        return;
      case 'silent':
        return;
      case 'answer-twice':
        answer();
        setImmediate(() => socket().write('250 OK: queued as q2\r\n'));
        return;
      case 'receipt-first':
        void report(reference, 'delivered').then(() => answer());
        return;
      case 'garbage':
        open -= 1;
        socket().write('\u0000\u0001 this is not SMTP\r\n');
        socket().end();
        return;
    }
  }

  return {
    port: server.port,
    bounces,
    submissions,
    get concurrentMax() {
      return concurrentMax;
    },
    plan: (...acts) => void plan.push(...acts),
    release() {
      for (const answer of held.splice(0)) answer();
    },
    receipt(index, status) {
      void report(references[index] ?? '', status === 'DELIVERED' ? 'delivered' : 'failed');
    },
    close: () => server.close(),
  };
}

describeCarrier(
  'SMTP',
  async (answerTimeoutMs) => {
    const far = await startFarSide();
    const carrier = createSmtpCarrier(
      optionsFor(far.port, {
        answerTimeoutMs,
        deliveredOn: 'report',
        bounceAddress: BOUNCES,
        bounceListen: { host: '127.0.0.1', port: far.bounces },
      }),
    );
    return { carrier, far };
  },
  {
    adapt: (submission) => ({
      ...anEmail({ text: submission.text }),
      reference: submission.reference,
      expireAt: submission.expireAt,
      to: `${submission.to.slice(1)}@example.org`,
    }),
    // Each throttling is followed by half a second of rest.
    stormActs: 60,
  },
);

async function begin(
  fields: Partial<SmtpOptions> = {},
  respond?: Respond,
  server: Parameters<typeof startMailServer>[1] = {},
): Promise<{ carrier: Carrier; mail: MailServer; receipts: Receipt[] }> {
  const mail = await startMailServer(respond, server);
  const carrier = createSmtpCarrier(optionsFor(mail.port, fields));
  const receipts: Receipt[] = [];
  await carrier.start(async (some) => void receipts.push(...some));
  onTestFinished(async () => {
    await carrier.stop();
    await mail.close();
  });
  return { carrier, mail, receipts };
}

const DKIM = { domain: 'example.com', selector: 's1' };
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PRIVATE_KEY = KEYS.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A server that breaks the connection at a command. */
async function startBreakingServer(at: string): Promise<{
  readonly port: number;
  readonly commands: readonly string[];
  close(): Promise<void>;
}> {
  const commands: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 breaking.example\r\n');
    socket.on('data', (data: Buffer) => {
      const command = data.toString('latin1').slice(0, 4).toUpperCase();
      commands.push(command);
      // Slow enough for buffers to fill.
      if (command === at) setTimeout(() => socket.destroy(), 50);
      else socket.write('250 OK\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe('an e-mail', () => {
  it('arrives as it is: names, words in every script, parts, headers, octets of attachments', async () => {
    const { carrier, mail, receipts } = await begin({}, (_mail, answer) =>
      answer(null, '2.0.0 Ok: queued as 4BX7Q1'),
    );
    const content = randomBytes(100_000);
    const result = await carrier.send(
      anEmail({
        subject: 'Grüße – 你好 🎉',
        html: '<h1>Hé</h1><p>See <a href="https://example.com/x">this</a>.</p>',
        fromName: 'Die "Bücher", GmbH',
        toName: 'Ada Lövelace',
        headers: { 'Reply-To': 'help@example.com', 'X-Campaign': 'spring' },
        attachments: [{ filename: 'Übersicht.pdf', contentType: 'application/pdf', content }],
        unsubscribeUrl: 'https://fanfare.example/u/abc',
      }),
    );
    expect(result).toEqual({ kind: 'accepted', providerId: '4BX7Q1' });
    const [{ email, from, raw } = { email: null, from: '', raw: Buffer.alloc(0) }] = mail.mails;
    expect(from).toBe('shop@example.com');
    expect(email).toMatchObject({
      subject: 'Grüße – 你好 🎉',
      from: { name: 'Die "Bücher", GmbH', address: 'shop@example.com' },
      to: [{ name: 'Ada Lövelace', address: 'ada@example.org' }],
      replyTo: [{ address: 'help@example.com' }],
      messageId: `<${REFERENCE}@example.com>`,
      html: expect.stringContaining('<h1>Hé</h1>'),
      text: expect.stringContaining('this [https://example.com/x]'),
    });
    const header = (key: string) => email?.headers.find((each) => each.key === key)?.value;
    expect(header('x-campaign')).toBe('spring');
    expect(header('list-unsubscribe')).toBe('<https://fanfare.example/u/abc>');
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    const attachment = email?.attachments[0];
    expect(attachment).toMatchObject({ filename: 'Übersicht.pdf', mimeType: 'application/pdf' });
    expect(Buffer.from(attachment?.content as ArrayBuffer).equals(content)).toBe(true);
    // eslint-disable-next-line no-control-regex
    expect(/^[\x00-\x7f]*$/.test(raw.toString('latin1'))).toBe(true);
    await until(() => receipts.length === 1);
    expect(receipts).toEqual([{ reference: REFERENCE, status: 'DELIVERED' }]);
  });

  it('lets nothing into its headers', async () => {
    const { carrier, mail } = await begin();
    const evil = 'x\r\nBcc: victim@example.com\r\n\r\nbody';
    for (const headers of [{ 'X-A': evil }, { 'X-A\r\nBcc': 'x' }, { Bcc: 'x@example.com' }])
      expect((await carrier.send(anEmail({ headers }))).kind).toBe('rejected');
    expect(
      await carrier.send(anEmail({ subject: evil, fromName: evil, toName: evil })),
    ).toMatchObject({ kind: 'accepted' });
    const [first] = mail.mails;
    for (const address of ['b@example.org>\r\nRCPT TO:<evil@x.org', 'b@example.org\0', 'b'])
      for (const at of [{ to: address }, { from: address }])
        expect((await carrier.send(anEmail({}, at))).kind).toBe('rejected');
    expect(mail.mails).toHaveLength(1);
    expect(first?.email.bcc ?? []).toEqual([]);
    expect(first?.email.subject).toBe('x Bcc: victim@example.com body');
    expect(first?.email.html).toContain('Ada');
  });

  it('reads no files and fetches nothing, whatever its content names', async () => {
    const { carrier, mail } = await begin();
    await carrier.send(
      anEmail({ html: '<img src="file:///etc/hostname"><img src="data:image/png;base64,AAAA">' }),
    );
    expect(mail.mails[0]?.email.attachments).toEqual([]);
  });

  it('is signed: its list headers, too (RFC 8058, 4), and nothing of them can be changed', async () => {
    const publicKey = KEYS.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { carrier, mail } = await begin({ dkim: { ...DKIM, privateKey: PRIVATE_KEY } });
    const unsubscribeUrl = 'https://fanfare.example/u/abc';
    const headers = { 'Reply-To': 'help@example.com', 'Feedback-ID': 'spring:shop' };
    const own = {
      'message-id': '<order-77@shop.example>',
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
      'list-unsubscribe': '<https://shop.example/u/77>, <mailto:leave@shop.example>',
    };
    expect(await carrier.send(anEmail())).toMatchObject({ kind: 'accepted' });
    for (const each of [
      { unsubscribeUrl, headers },
      { unsubscribeUrl: null, headers: { ...headers, ...own } },
    ])
      expect(await carrier.send(anEmail(each))).toMatchObject({ kind: 'accepted' });
    const [plain = '', listed = '', ofCaller = ''] = mail.mails.map(({ raw }) =>
      raw.toString('latin1'),
    );
    expect(verifyDkim(plain, publicKey)).toBe(true);
    const names =
      'From To Subject Date Message-ID MIME-Version Content-Type Reply-To Feedback-ID List-Unsubscribe List-Unsubscribe-Post';
    for (const mailed of [listed, ofCaller]) {
      expect(verifyDkim(mailed, publicKey)).toBe(true);
      for (const name of names.split(' ')) {
        const [head = ''] = mailed.split('\r\n\r\n', 1);
        expect([name, head.match(new RegExp(`^${name}:`, 'gim'))?.length]).toEqual([name, 1]);
        const changed = mailed.replace(new RegExp(`^${name}: *`, 'im'), '$&x');
        expect([name, verifyDkim(changed, publicKey)]).toEqual([name, false]);
      }
    }
    expect(ofCaller).toContain('Message-ID: <order-77@shop.example>');
    expect(ofCaller).toContain(`Fanfare-Reference: ${REFERENCE}`);
    expect(listed).not.toContain('Fanfare-Reference');
    // Nor may a second one be added, above or below, or one where there was none (RFC 6376, 8.15).
    for (const mailed of [plain, listed, ofCaller])
      for (const name of 'From To Subject List-Unsubscribe List-Unsubscribe-Post'.split(' '))
        for (const more of [
          `${name}: x\r\n${mailed}`,
          mailed.replace('\r\n\r\n', `\r\n${name}: x\r\n\r\n`),
        ])
          expect([name, verifyDkim(more, publicKey)]).toEqual([name, false]);
    // What servers on the way add is theirs.
    expect(verifyDkim(`Received: from a\r\nX-Spam: no\r\n${listed}`, publicKey)).toBe(true);
  });

  it('is signed whatever its form', async () => {
    const publicKey = KEYS.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { carrier, mail } = await begin({ dkim: { ...DKIM, privateKey: PRIVATE_KEY } });
    const content = Buffer.alloc(300_000, 'x \t\r\n\r\n');
    const file = { filename: 'ä b.bin', contentType: 'application/octet-stream', content };
    for (const each of [
      { html: '', text: '' },
      { html: 'x'.repeat(5_000), text: ' a \n\n\n b\t\n\n\n' },
      { subject: 'Grüße '.repeat(60), html: '<p>ä  ö</p>\r\n\r\n' },
      { attachments: [file, file] },
    ])
      expect(await carrier.send(anEmail(each))).toMatchObject({ kind: 'accepted' });
    expect(mail.mails).toHaveLength(4);
    for (const { raw } of mail.mails) {
      const text = raw.toString('latin1');
      expect(verifyDkim(text, publicKey)).toBe(true);
      const lines = text.split('\r\n\r\n', 1)[0]?.split('\r\n') ?? [];
      expect(Math.max(...lines.slice(0, 12).map((line) => line.length))).toBeLessThan(999);
    }
  });

  it('goes over connections that are kept, and made anew after some', async () => {
    const { carrier, mail } = await begin({ connections: 2, messagesPerConnection: 5 });
    const results = await Promise.all(Array.from({ length: 20 }, () => carrier.send(anEmail())));
    expect(results.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(mail.connections).toBeGreaterThanOrEqual(4);
    expect(mail.connections).toBeLessThanOrEqual(6);
  });
});

/** RFC 6376 with relaxed canonicalization of headers and body, written from the standard. */
function verifyDkim(raw: string, publicKey: string): boolean {
  const [head = '', body = ''] = [
    raw.slice(0, raw.indexOf('\r\n\r\n')),
    raw.slice(raw.indexOf('\r\n\r\n') + 4),
  ];
  const headers = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const relaxed = (line: string) => {
    const colon = line.indexOf(':');
    return `${line.slice(0, colon).toLowerCase().trim()}:${line
      .slice(colon + 1)
      .replace(/[ \t]+/g, ' ')
      .trim()}`;
  };
  const signature = headers.find((line) => /^dkim-signature:/i.test(line)) ?? '';
  const tag = (name: string) =>
    new RegExp(`[;:]\\s*${name}=([^;]*)`).exec(signature)?.[1]?.replace(/\s+/g, '') ?? '';
  expect([tag('d'), tag('s'), tag('a')]).toEqual(['example.com', 's1', 'rsa-sha256']);
  expect(tag('h').split(':')).toEqual(
    expect.arrayContaining(['from', 'to', 'subject', 'message-id']),
  );
  const left = [...headers];
  const signed = tag('h')
    .toLowerCase()
    .split(':')
    .flatMap((name) => {
      // From the last one up, each once (5.4.2).
      const at = left.findLastIndex((line) => line.toLowerCase().startsWith(`${name}:`));
      return at === -1 ? [] : left.splice(at, 1).map(relaxed);
    });
  const canonicalBody = body
    .split('\r\n')
    .map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
    .join('\r\n')
    .replace(/(\r\n)*$/, '\r\n')
    // Of a body without a line nothing is left (3.4.4).
    .replace(/^\r\n$/, '');
  if (createHash('sha256').update(canonicalBody).digest('base64') !== tag('bh')) return false;
  const bare = relaxed(signature).replace(/([;\s])b=[^;]*/, '$1b=');
  return createVerify('RSA-SHA256')
    .update([...signed, bare].join('\r\n'))
    .verify(createPublicKey(publicKey), tag('b'), 'base64');
}

describe('the way to the server', () => {
  const { key, cert } = makeCertificate('mail.test');

  it.each(['starttls', 'starttls-optional', 'tls'] as const)(
    'is protected by %s',
    async (security) => {
      const { carrier, mail } = await begin(
        { security, ca: cert, servername: 'mail.test' },
        undefined,
        { key, cert, secure: security === 'tls' },
      );
      expect(await carrier.send(anEmail())).toMatchObject({ kind: 'accepted' });
      expect(mail.mails[0]?.raw.toString()).toContain('Subject: Hello');
    },
  );

  it('is not submitted without the configured TLS, nor to an unknown certificate', async () => {
    const plain = await begin({ security: 'starttls' }, undefined, {
      disabledCommands: ['STARTTLS'],
    });
    expect(await plain.carrier.send(anEmail())).toMatchObject({ kind: 'throttled' });
    expect(plain.carrier.state?.()).toMatchObject({
      connected: 0,
      detail: expect.stringMatching(/STARTTLS/i),
    });
    const unknown = await begin({ security: 'starttls' }, undefined, { key, cert });
    expect(await unknown.carrier.send(anEmail())).toMatchObject({ kind: 'throttled' });
    expect([...plain.mail.mails, ...unknown.mail.mails]).toEqual([]);
  });

  it('begins with a log-in; a wrong password costs no attempts and is said to the operator alone', async () => {
    const onAuth: NonNullable<Parameters<typeof startMailServer>[1]>['onAuth'] = (
      auth,
      _session,
      callback,
    ) =>
      auth.username === 'me' && auth.password === 'right'
        ? callback(null, { user: 'me' })
        : callback(new Error('Authentication failed'));
    const server = { authOptional: false, onAuth, allowInsecureAuth: true };
    const good = await begin({ username: 'me', password: 'right' }, undefined, server);
    expect(await good.carrier.send(anEmail())).toMatchObject({ kind: 'accepted' });
    const bad = await begin({ username: 'me', password: 'wrong-secret' }, undefined, server);
    const result = await bad.carrier.send(anEmail());
    expect(result).toMatchObject({ kind: 'throttled', afterMs: expect.any(Number) });
    expect(bad.carrier.state?.().detail).toMatch(/535 /);
    expect(JSON.stringify(bad.carrier.state?.())).not.toContain('wrong-secret');
  });

  it.each(
    ['MAIL', 'RCPT', 'DATA'].flatMap((command) =>
      [2_000, 400_000].flatMap((size) => [
        { command, size, isSigned: false },
        { command, size, isSigned: true },
      ]),
    ),
  )(
    'may break before the content is out: $command, $size octets, signed $isSigned',
    async (each) => {
      const server = await startBreakingServer(each.command);
      onTestFinished(() => server.close());
      const carrier = createSmtpCarrier(
        optionsFor(
          server.port,
          each.isSigned ? { dkim: { ...DKIM, privateKey: PRIVATE_KEY } } : {},
        ),
      );
      await carrier.start(async () => undefined);
      onTestFinished(() => carrier.stop());
      const html = `<p>${'x '.repeat(each.size / 2)}</p>`;
      expect(await carrier.send(anEmail({ html, text: 'x' }))).toMatchObject({ kind: 'throttled' });
      expect(server.commands).toContain(each.command);
    },
  );

  type Words = string | Buffer | null;
  /** A server that answers each stage in its own words; null: it closes. What is named `after` comes behind the final dot. */
  async function speak(answers: Readonly<Record<string, Words>>) {
    let greeted = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      const say = (stage: string, usual: string) => {
        const words = answers[stage] === undefined ? usual : answers[stage];
        if (words === null) socket.destroy();
        else socket.write(words);
      };
      greeted += 1;
      say('GREETING', '220 mail.example ESMTP\r\n');
      let isData = false;
      let text = '';
      socket.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        if (isData) {
          if (!text.endsWith('\r\n.\r\n')) return;
          isData = false;
          text = '';
          say('after', '250 2.0.0 OK queued as abc123\r\n');
          return;
        }
        for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
          const command = text.slice(0, 4).toUpperCase();
          text = text.slice(end + 2);
          if (command === 'DATA') {
            const words = answers['DATA'];
            isData = words === undefined || String(words).startsWith('354');
            say('DATA', '354 Go on\r\n');
          } else say(command, '250 OK\r\n');
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const carrier = createSmtpCarrier(
      optionsFor(port, { security: 'none', greetingTimeoutMs: 1_500, answerTimeoutMs: 1_500 }),
    );
    await carrier.start(async () => undefined);
    onTestFinished(async () => {
      await carrier.stop();
      server.close();
    });
    return { carrier, greeted: () => greeted };
  }

  const eight = (text: string) => Buffer.from(text, 'latin1');
  it.each<readonly [string, Readonly<Record<string, Words>>, string]>([
    ['nothing for a greeting', { GREETING: '' }, 'throttled'],
    ['half a greeting', { GREETING: '220-mail.example\r\n' }, 'throttled'],
    ['421 for a greeting', { GREETING: '421 4.3.2 Too busy\r\n' }, 'throttled'],
    ['554 for a greeting', { GREETING: '554 No service\r\n' }, 'throttled'],
    ['HTTP for a greeting', { GREETING: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, 'throttled'],
    ['TLS for a greeting', { GREETING: eight('\x15\x03\x01\x00\x02\x02\x50') }, 'throttled'],
    [
      'endless words for a greeting',
      { GREETING: `220-${'x'.repeat(500)}\r\n`.repeat(2_000) },
      'throttled',
    ],
    ['a close after EHLO', { EHLO: null }, 'throttled'],
    ['421 after EHLO', { EHLO: '421 4.7.0 Go away\r\n' }, 'throttled'],
    ['451 to MAIL', { MAIL: '451 4.3.0 Later\r\n' }, 'retry'],
    ['421 to MAIL', { MAIL: '421 4.4.2 Bye\r\n' }, 'throttled'],
    ['nothing to MAIL', { MAIL: '' }, 'throttled'],
    ['450 to RCPT', { RCPT: '450 4.2.1 Busy\r\n' }, 'retry'],
    ['421 to RCPT', { RCPT: '421 4.4.2 Bye\r\n' }, 'throttled'],
    ['550 to RCPT', { RCPT: '550 5.1.1 Unknown\r\n' }, 'rejected'],
    [
      '550 in many lines',
      { RCPT: '550-5.1.1 Unknown\r\n550-5.1.1 really\r\n550 5.1.1 so\r\n' },
      'rejected',
    ],
    ['550 in lines of two numbers', { RCPT: '550-5.1.1 Unknown\r\n551 5.1.1 so\r\n' }, 'rejected'],
    ['550 with line feeds only', { RCPT: '550-5.1.1 Unknown\n550 5.1.1 so\n' }, 'rejected'],
    [
      '550 in eight bits',
      { RCPT: eight('550 5.1.1 Empf\xe4nger unbekannt \xff\x00\r\n') },
      'rejected',
    ],
    ['550 without words', { RCPT: '550\r\n' }, 'rejected'],
    ['a close after RCPT', { RCPT: null }, 'throttled'],
    ['nonsense to RCPT', { RCPT: 'what?\r\n' }, 'throttled'],
    ['451 to DATA', { DATA: '451 4.3.0 Later\r\n' }, 'retry'],
    ['421 to DATA', { DATA: '421 4.3.2 Bye\r\n' }, 'throttled'],
    ['a close after DATA', { DATA: null }, 'throttled'],
    ['nothing to DATA', { DATA: '' }, 'throttled'],
    ['250 after the dot', { after: '250 OK\r\n' }, 'accepted'],
    ['250 in many lines', { after: '250-2.0.0 OK\r\n250 2.0.0 queued as a1\r\n' }, 'accepted'],
    ['250 in eight bits', { after: eight('250 2.0.0 Angenommen \xe4\xff\r\n') }, 'accepted'],
    ['250 without words', { after: '250\r\n' }, 'accepted'],
    ['250 and more', { after: '250 OK\r\n421 4.4.2 Bye\r\n' }, 'accepted'],
    ['451 after the dot', { after: '451 4.3.0 Later\r\n' }, 'retry'],
    ['421 after the dot', { after: '421 4.3.2 Bye\r\n' }, 'throttled'],
    ['552 after the dot', { after: '552 5.3.4 Too big\r\n' }, 'rejected'],
    ['a close after the dot', { after: null }, 'unknown'],
    ['nothing after the dot', { after: '' }, 'unknown'],
    ['half a line after the dot', { after: '250-OK\r\n' }, 'unknown'],
    ['half a number after the dot', { after: '25' }, 'unknown'],
    ['nonsense after the dot', { after: 'well\r\n' }, 'unknown'],
    ['354 after the dot', { after: '354 Go on\r\n' }, 'unknown'],
    ['599 after the dot', { after: '599 What\r\n' }, 'rejected'],
    ['999 after the dot', { after: '999 What\r\n' }, 'unknown'],
  ])('may say %s', async (_, answers, kind) => {
    const { carrier, greeted } = await speak(answers);
    const result = await carrier.send(anEmail());
    expect(result.kind).toBe(kind);
    expect(greeted()).toBe(1);
  });

  it('may be away: nothing is lost, and it comes back', async () => {
    const port = await freePort();
    const carrier = createSmtpCarrier(optionsFor(port));
    await carrier.start(async () => undefined);
    onTestFinished(() => carrier.stop());
    expect(await carrier.send(anEmail())).toMatchObject({ kind: 'throttled' });
    expect(carrier.state?.().connected).toBe(0);
  });
});

it('keeps receipts of its own that cannot be stored, for the next', async () => {
  const mail = await startMailServer();
  const carrier = createSmtpCarrier(optionsFor(mail.port));
  onTestFinished(async () => {
    await carrier.stop();
    await mail.close();
  });
  let tries = 0;
  const receipts: Receipt[] = [];
  await carrier.start(async (some) => {
    tries += 1;
    if (tries === 1) throw new Error('The database is away');
    receipts.push(...some);
  });
  await carrier.send(anEmail({}, { reference: '2s-1' }));
  await until(() => tries === 1);
  await carrier.send(anEmail({}, { reference: '2s-2' }));
  await until(() => receipts.length === 2);
  expect(receipts.map((each) => each.reference)).toEqual(['2s-1', '2s-2']);
});

describe('a refusal', () => {
  it.each([
    [{ code: 550, text: '5.1.1 No such user', stage: 'recipient' }, 'rejected', 30005],
    [{ code: 550, text: 'No such user', stage: 'recipient' }, 'rejected', 30005],
    [{ code: 553, text: '5.1.3 Bad address', stage: 'recipient' }, 'rejected', 30005],
    [{ code: 552, text: '5.2.2 Mailbox full', stage: 'recipient' }, 'rejected', 30003],
    [{ code: 550, text: '5.2.1 Disabled', stage: 'recipient' }, 'rejected', 30003],
    [{ code: 550, text: '5.7.1 Blocked', stage: 'recipient' }, 'rejected', 30007],
    [{ code: 554, text: '5.7.1 Looks like spam', stage: 'content' }, 'rejected', 30007],
    [{ code: 554, text: 'Transaction failed', stage: 'content' }, 'rejected', 30007],
    [{ code: 552, text: '5.3.4 Too big', stage: 'content' }, 'rejected', 30008],
    [{ code: 550, text: '5.7.1 Sender not allowed', stage: 'sender' }, 'rejected', 30034],
    [{ code: 553, text: '5.1.8 Bad sender', stage: 'recipient' }, 'rejected', 30034],
    [{ code: 450, text: '4.7.1 Greylisted', stage: 'recipient' }, 'retry', 30003],
    [{ code: 451, text: '4.3.0 Local error', stage: 'content' }, 'retry', 30003],
    [{ code: 452, text: '4.2.2 Mailbox full', stage: 'recipient' }, 'retry', 30003],
    [{ code: 451, text: '4.7.500 Server busy', stage: 'content' }, 'wait', undefined],
    [{ code: 450, text: '4.7.0 Exceeded the mail rate', stage: 'sender' }, 'wait', undefined],
    [{ code: 452, text: '4.3.1 Insufficient system storage', stage: 'sender' }, 'wait', undefined],
    [
      { code: 550, text: '5.4.5 Daily user sending limit exceeded', stage: 'content' },
      'wait',
      undefined,
    ],
    [{ code: 534, text: '5.7.9 Log in another way', stage: 'sender' }, 'wait', undefined],
    [{ code: 452, text: '4.2.2 Quota limit exceeded', stage: 'recipient' }, 'retry', 30003],
    [{ code: 450, text: '4.7.0 Too many messages', stage: 'content' }, 'wait', undefined],
    [{ code: 421, text: '4.3.2 Shutting down', stage: 'content' }, 'wait', undefined],
    [{ code: 454, text: '4.7.0 TLS not available', stage: 'connection' }, 'wait', undefined],
    [{ code: 535, text: '5.7.8 Bad credentials', stage: 'connection' }, 'wait', undefined],
    [{ code: 530, text: '5.7.0 Log in first', stage: 'sender' }, 'wait', undefined],
    [{ code: 554, text: '5.7.1 No service for you', stage: 'connection' }, 'wait', undefined],
  ] as const)('%j is %s %s', (refused, kind, code) => {
    expect(classifyRefusal(refused)).toEqual(code === undefined ? { kind } : { kind, code });
  });

  it('for now is tried again later', async () => {
    const { carrier } = await begin({ retryAfterMs: 1_234 }, (_mail, answer) =>
      answer(refusal(451, '4.7.1 Greylisted, come back')),
    );
    expect(await carrier.send(anEmail())).toEqual({
      kind: 'retry',
      code: 30003,
      detail: '451 4.7.1 Greylisted, come back',
      afterMs: 1_234,
    });
  });

  it('always means something', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 400, max: 599 }),
        fc.string(),
        fc.constantFrom('connection', 'sender', 'recipient', 'content'),
        (code, text, stage) => {
          const { kind } = classifyRefusal({ code, text, stage } as Parameters<
            typeof classifyRefusal
          >[0]);
          if (kind === 'rejected') expect(code).toBeGreaterThanOrEqual(500);
        },
      ),
    );
  });
});

describe('a report', () => {
  it.each([
    [
      'failed',
      '5.1.1',
      { status: 'UNDELIVERED', code: 30005, detail: '5.1.1 550 5.1.1 no such user' },
    ],
    ['failed', '5.2.2', { status: 'UNDELIVERED', code: 30003 }],
    ['failed', '5.7.1', { status: 'UNDELIVERED', code: 30007 }],
    ['delivered', '2.0.0', { status: 'DELIVERED' }],
    ['relayed', '2.0.0', { status: 'DELIVERED' }],
    ['delayed', '4.0.0', null],
  ])('that says %s %s', async (action, status, expected) => {
    const raw = Buffer.from(reportOn(REFERENCE, action, status));
    const receipt = await readReceipt(raw, BOUNCES, bounceAddressOf(BOUNCES, REFERENCE));
    if (expected === null) expect(receipt).toBeNull();
    else expect(receipt).toMatchObject({ reference: REFERENCE, ...expected });
    // Without the address it is known by the Message-ID that comes back.
    expect(await readReceipt(raw, null, null)).toEqual(receipt);
  });

  it('may be a complaint', async () => {
    const raw = reportOn(REFERENCE, 'failed')
      .replace('report-type=delivery-status', 'report-type=feedback-report')
      .replace('message/delivery-status', 'message/feedback-report')
      .replace('Reporting-MTA: dns; relay.example', 'Feedback-Type: abuse\r\nVersion: 1');
    expect(await readReceipt(Buffer.from(raw), BOUNCES, null)).toEqual({
      reference: REFERENCE,
      status: 'DELIVERED',
      complaint: true,
    });
  });

  it('names its e-mail by an address of its own', () => {
    const address = bounceAddressOf(BOUNCES, REFERENCE);
    expect(address).toBe(`bounces+${REFERENCE}@mail.example`);
    expect(referenceOf(BOUNCES, address.toUpperCase())).toBe(REFERENCE);
    for (const other of [
      'bounces@mail.example',
      'bounces+@mail.example',
      'bounces+a b@mail.example',
      `x${address}`,
    ])
      expect(referenceOf(BOUNCES, other)).toBeNull();
  });

  it('comes by SMTP to no other mailbox, and again when it cannot be stored', async () => {
    const port = await freePort();
    const mail = await startMailServer();
    const carrier = createSmtpCarrier(
      optionsFor(mail.port, { bounceAddress: BOUNCES, bounceListen: { host: '127.0.0.1', port } }),
    );
    let isAway = true;
    const receipts: Receipt[] = [];
    await carrier.start(async (some) => {
      if (isAway) throw new Error('The database is away');
      receipts.push(...some);
    });
    onTestFinished(async () => {
      await carrier.stop();
      await mail.close();
    });
    const mailer = nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
    const send = (to: string, raw = reportOn(REFERENCE, 'failed')) =>
      mailer.sendMail({ envelope: { from: '', to }, raw }).then(
        () => 250,
        (error: { responseCode?: number }) => error.responseCode,
      );
    expect(await send('ada@example.org')).toBe(550);
    expect(await send('bounces@mail.example')).toBe(550);
    expect(await send(bounceAddressOf(BOUNCES, REFERENCE))).toBe(451);
    isAway = false;
    expect(await send(bounceAddressOf(BOUNCES, REFERENCE))).toBe(250);
    expect(receipts).toMatchObject([{ reference: REFERENCE, status: 'UNDELIVERED' }]);
    expect(await send(bounceAddressOf(BOUNCES, REFERENCE), 'x'.repeat(2_000_000))).toBe(552);
    expect(
      await send(bounceAddressOf(BOUNCES, REFERENCE), 'Subject: On holiday\r\n\r\nBack soon'),
    ).toBe(250);
    expect(receipts).toHaveLength(1);
  });

  it('is read for one recipient at a time', async () => {
    const port = await freePort();
    const mail = await startMailServer();
    const carrier = createSmtpCarrier(
      optionsFor(mail.port, { bounceAddress: BOUNCES, bounceListen: { host: '127.0.0.1', port } }),
    );
    const receipts: Receipt[] = [];
    await carrier.start(async (some) => void receipts.push(...some));
    onTestFinished(async () => {
      await carrier.stop();
      await mail.close();
    });
    const mailer = nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
    const to = ['a', 'b', 'c'].map((reference) => bounceAddressOf(BOUNCES, reference));
    const sent = await mailer.sendMail({
      envelope: { from: '', to },
      raw: reportOn(REFERENCE, 'failed'),
    });
    expect(sent.accepted).toEqual(to.slice(0, 1));
    expect(sent.rejectedErrors?.map((each) => each.responseCode)).toEqual([452, 452]);
    expect(receipts.map((each) => each.reference)).toEqual(['a']);
  });

  it('comes by HTTP with the secret only', async () => {
    const read = createBounceReader('the secret', BOUNCES);
    const call = (authorization: string, method = 'POST', raw = reportOn(REFERENCE, 'failed')) =>
      read(
        {
          method,
          path: '/',
          fullUrl: 'https://fanfare.example/',
          headers: { authorization },
          query: {},
          rawBody: Buffer.from(raw),
        },
        new Date(),
      );
    expect((await call('Bearer the secret')).receipts).toHaveLength(1);
    for (const wrong of ['', 'Bearer wrong', 'the secret'])
      expect(await call(wrong)).toMatchObject({ answer: { status: 403 }, receipts: [] });
    expect(await call('Bearer the secret', 'GET')).toMatchObject({ answer: { status: 405 } });
    const strange = reportOn(REFERENCE, 'failed').replaceAll(REFERENCE, 'nobody.s');
    expect(await call('Bearer the secret', 'POST', strange)).toMatchObject({
      answer: { status: 200 },
      receipts: [],
      unreadable: 'A report that names no e-mail of ours',
    });
  });

  it('of a hundred thousand parts is none', async () => {
    const parts = '--b\r\nContent-Type: text/plain\r\n\r\n'.repeat(30_000);
    const raw = reportOn(REFERENCE, 'failed').replace('--b\r\n', parts);
    expect(await readReceipt(Buffer.from(raw), BOUNCES, null)).toBeNull();
  });

  it(
    'is never more than it can be: any octets are read, and nothing throws',
    { tags: ['property'] },
    async () => {
      const whole = Buffer.from(reportOn(REFERENCE, 'failed'));
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            fc.uint8Array({ maxLength: 2_000 }),
            fc
              .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 30 })
              .map((changes) => {
                const copy = Buffer.from(whole);
                for (const [at, octet] of changes) copy[at] = octet;
                return copy;
              }),
          ),
          async (raw) => {
            const receipt = await readReceipt(raw, BOUNCES, null);
            expect(receipt === null || typeof receipt.reference === 'string').toBe(true);
          },
        ),
        { numRuns: runs(100, 300) },
      );
    },
  );
});

describe('plain words of HTML', () => {
  it.each([
    ['<p>Hello</p><p>Ada</p>', 'Hello\n\nAda'],
    ['<a href="https://example.com">https://example.com</a>', 'https://example.com'],
    ['<a href="https://example.com/x">here</a>', 'here [https://example.com/x]'],
    ['<style>p{}</style><script>alert(1)</script><p>x &amp; y</p>', 'x & y'],
    [
      '<h1>Big</h1><img src="https://x.example/o.gif" alt=""><img src="y.png" alt="A cat">',
      'Big\n\nA cat',
    ],
    ['', ''],
  ])('%j', (html, words) => {
    expect(textOfHtml(html)).toBe(words);
  });

  it.each(['<div>', '<b>', '<table><tr><td>', '<blockquote>', '<ul><li>'])(
    'are found however deep %s goes',
    (tag) => {
      const levels = tag.split('<').length - 1;
      const html = `<p>Hello</p>${tag.repeat(Math.ceil(20_000 / levels))}`;
      expect(textOfHtml(html)).toContain('Hello');
    },
  );
});

describe('the configuration', () => {
  const findings = (fields: object) =>
    readCarriers({ mail: { kind: 'smtp', host: 'relay.example', ...fields } }, {}).findings;
  const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' });

  it('takes RSA keys only: with others e-mails would leave with a wrong signature or none', () => {
    const keys = [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ed25519'),
    ].map(({ privateKey }) => pem(privateKey));
    const counts = keys.map(
      (privateKey) =>
        findings({ dkim: { domain: 'example.com', selector: 's', privateKey } }).length,
    );
    expect(counts).toEqual([0, 1, 1]);
  });

  it('takes a bounce address only when those made of it are addresses', () => {
    expect(findings({ bounceAddress: BOUNCES })).toEqual([]);
    expect(findings({ bounceAddress: 'bounces-of-newsletters@mail.example' })).toMatchObject([
      { path: 'carriers.mail.bounceAddress' },
    ]);
  });
});

describe('an address', () => {
  it.each(['a@b.co', 'first.last+tag@sub.example.com', "o'neil@example.org", 'x@bücher.example'])(
    '%s is one',
    (address) => {
      expect(findEmailAddressProblem(address)).toBeNull();
    },
  );
  it.each([
    '',
    'a',
    '@b.co',
    'a@',
    'a@b',
    'a b@c.co',
    'a@b..co',
    'a.@b.co',
    '.a@b.co',
    'a@-b.co',
    'a@b.1',
    'ä@b.co',
    'a@b.co\r\nBcc: x',
    '<a@b.co>',
    'a@[127.0.0.1]',
    '"a"@b.co',
    `${'a'.repeat(65)}@b.co`,
    `a@${'b.'.repeat(126)}co`,
  ])('%j is none', (address) => {
    expect(findEmailAddressProblem(address)).toMatch(/\.$/);
  });
  it('has one spelling', () => {
    expect(normaliseEmailAddress('Ada@BÜCHER.example')).toBe('ada@xn--bcher-kva.example');
  });
});

describe('a header', () => {
  it.each([
    ['X-A', 'b', true],
    ['Reply-To', 'a@b.co', true],
    ['Bcc', 'a@b.co', false],
    ['content-type', 'x', false],
    ['Fanfare-Reference', 'x', false],
    ['List-Unsubscribe', '<https://a.co/u?x=1>', true],
    ['list-unsubscribe', '<mailto:a@b.co?subject=out>, <http://a.co/u>', true],
    ['List-Unsubscribe', '(by mail) <mailto:a@b.co> (or here),<https://a.co/u>', true],
    ['List-Unsubscribe', 'https://a.co/u', false],
    ['List-Unsubscribe', '<https://a.co/u>,', false],
    ['List-Unsubscribe', '<https://a.co/u> <https://a.co/v>', false],
    ['List-Unsubscribe', '<https://a.co/u>, x', false],
    ['List-Unsubscribe', '<https://a.co/a b>', false],
    ['List-Unsubscribe', '<https://a.co/ü>', false],
    ['List-Unsubscribe', '<https://u:p@a.co/>', false],
    ['List-Unsubscribe', '<mailto:a>', false],
    ['List-Unsubscribe', '<ftp://a.co/u>', false],
    ['List-Unsubscribe', '<>', false],
    ['List-Unsubscribe', '('.repeat(998), false],
    ['List-Unsubscribe-Post', 'List-Unsubscribe=One-Click', true],
    ['List-Unsubscribe-Post', 'One-Click', false],
    ['Message-ID', '<a.b+77@b-c.co>', true],
    ['message-id', '<a@[192.0.2.1]>', true],
    ['Message-ID', `<${'a'.repeat(248)}@b.co>`, true],
    ['Message-ID', `<${'a'.repeat(249)}@b.co>`, false],
    ['Message-ID', 'a@b.co', false],
    ['Message-ID', '<a@b.co> <c@b.co>', false],
    ['Message-ID', '<a b@b.co>', false],
    ['Message-ID', '<a..b@b.co>', false],
    ['Message-ID', '<ä@b.co>', false],
    ['Message-ID', '<a@b.co', false],
    ['Message-ID', '<ab.co>', false],
    // One that would be taken for another e-mail of ours.
    ['Message-ID', `<${REFERENCE}@b.co>`, false],
    ['Message-ID', `<${REFERENCE.toUpperCase()}@b.co>`, false],
    ['X:A', 'x', false],
    ['X A', 'x', false],
    ['X-A', 'a\nb', false],
    ['X-A', 'a\rb', false],
    ['X-A', 'a\0b', false],
    ['X-A', 'a'.repeat(998), true],
    ['X-A', 'a'.repeat(999), false],
  ])('%j: %j', (name, value, isGood) => {
    expect(findHeaderProblem(name, value) === null).toBe(isGood);
  });
});
