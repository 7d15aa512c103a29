/** Reports on e-mails in the shapes that servers and people give them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBounce } from '../../src/carriers/smtp/bounces.ts';
import { readPart } from '../../src/carriers/smtp/mime.ts';
import { bounceAddressOf } from '../../src/carriers/smtp/verp.ts';

const BOUNCES = 'bounces@mail.example';
const REFERENCE = '2s-0192f0a0aaaa2bcd9e01234500000012';
const OTHER = '2s-0192f0a0aaaa2bcd9e01234500000099';
const TO = bounceAddressOf(BOUNCES, REFERENCE);

const read = async (...given: Parameters<typeof readBounce>) =>
  (await readBounce(...given)).receipt;

const lines = (...parts: readonly (string | readonly string[])[]) => parts.flat().join('\r\n');

function part(type: string, content: string, ...headers: readonly string[]): string {
  return lines(`Content-Type: ${type}`, [...headers], '', content);
}

/** A multipart of parts, as lines. */
function multipart(kind: string, boundary: string, parts: readonly string[], ...headers: string[]) {
  return lines(
    headers,
    'MIME-Version: 1.0',
    `Content-Type: multipart/${kind}; boundary="${boundary}"`,
    '',
    'This is a MIME-encapsulated message.',
    parts.map((each) => lines(`--${boundary}`, each)),
    `--${boundary}--`,
    '',
  );
}

const STATUS = lines(
  'Reporting-MTA: dns; mx.example.net',
  'X-Postfix-Queue-ID: 4Q7',
  'Arrival-Date: Thu,  1 Jan 2026 00:00:00 +0000 (UTC)',
  '',
  'Final-Recipient: rfc822; ada@example.org',
  'Original-Recipient: rfc822;ada@example.org',
  'Action: failed',
  'Status: 5.1.1',
  'Remote-MTA: dns; mx.example.org',
  'Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected:',
  '    User unknown in virtual mailbox table',
  '',
);

const head = (reference = REFERENCE) =>
  lines(
    'Return-Path: <someone@relay.example>',
    'From: shop <shop@example.com>',
    'To: Ada <ada@example.org>',
    `Message-ID: <${reference}@example.com>`,
    'Subject: Hello',
  );

/** An e-mail as it went out, with many parts. */
const ours = (reference = REFERENCE, files = 30) =>
  multipart(
    'mixed',
    'ours',
    [
      multipart('alternative', 'alt', [part('text/plain', 'Hello'), part('text/html', '<p>Hello')]),
      ...Array.from({ length: files }, (_, i) =>
        part(
          'application/pdf',
          'JVBERi0xLjQK\r\n'.repeat(20),
          `Content-Disposition: attachment; filename="${i}.pdf"`,
          'Content-Transfer-Encoding: base64',
        ),
      ),
    ],
    head(reference),
  );

const report = (...parts: readonly string[]) =>
  multipart(
    'report; report-type=delivery-status',
    'b',
    [
      part('text/plain; charset=us-ascii', 'This is the mail system at host mx.example.net.'),
      ...parts,
    ],
    'From: MAILER-DAEMON@mx.example.net (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
    'To: someone@relay.example',
    'Auto-Submitted: auto-replied',
  );

const status = (content = STATUS, ...headers: string[]) =>
  part('message/delivery-status', content, ...headers);
const copy = (content = ours()) => part('message/rfc822', content);
/** An e-mail whose Message-ID came with the request. */
const withOwnId = (text: string, reference = REFERENCE) =>
  text.replace(
    `Message-ID: <${reference}@example.com>`,
    `Message-ID: <order-77@shop.example>\r\nFanfare-Reference: ${reference}`,
  );
const headersOnly = (reference = REFERENCE) =>
  part('text/rfc822-headers', `${head(reference)}\r\n`);

const forward = (content: string, ...headers: string[]) =>
  multipart(
    'mixed',
    'fwd',
    [
      part('text/plain', 'See below.'),
      part('message/rfc822', content, 'Content-Disposition: attachment'),
    ],
    'From: postmaster@relay.example',
    'To: fanfare@relay.example',
    'Subject: Fwd: Undelivered',
    ...headers,
  );

const base64 = (text: string) =>
  Buffer.from(text, 'latin1').toString('base64').replace(/.{76}/g, '$&\r\n');

function uuencode(text: string): string {
  const octets = Buffer.from(text, 'latin1');
  const rows: string[] = [];
  for (let at = 0; at < octets.length; at += 45) {
    const row = octets.subarray(at, at + 45);
    const bits = [
      ...Buffer.concat([row, Buffer.alloc(2)])
        .toString('base64')
        .replaceAll('=', ''),
    ];
    const digits = bits.map((each) => String.fromCharCode(32 + (BASE64.indexOf(each) || 64)));
    rows.push(String.fromCharCode(32 + row.length) + digits.join(''));
  }
  return lines('begin 644 status.txt', rows, '`', 'end');
}
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Of a server that says everything in words, and has the e-mail behind them. */
const notice = (...words: readonly string[]) =>
  lines(
    'From: Mail Delivery System <MAILER-DAEMON@mx.example.net>',
    'To: someone@relay.example',
    'Subject: =?utf-8?B?8J+ShA==?=',
    'Content-Type: text/plain; charset=utf-8',
    '',
    Buffer.from(lines(words), 'utf8').toString('latin1'),
    '',
    head(),
    '',
    'Hello',
  );

const block = (recipient: string, action: string, code: string) =>
  lines(`Final-Recipient: rfc822; ${recipient}`, `Action: ${action}`, `Status: ${code}`, '');

const UNKNOWN = { reference: REFERENCE, status: 'UNDELIVERED', code: 30005 };

describe('a report is read', () => {
  const shapes: Readonly<Record<string, string>> = {
    'as Postfix sends it': report(status(), copy()),
    'with the headers only': report(status(), headersOnly()),
    'with the headers of an international e-mail': report(
      part('message/global-delivery-status', STATUS),
      part('message/global-headers', head()),
    ),
    'with a whole e-mail of forty parts': report(status(), copy(ours(REFERENCE, 40))),
    'behind attachments of its own': report(
      ...Array.from({ length: 20 }, (_, i) =>
        part(
          'image/png',
          base64('x'.repeat(3_000)),
          `Content-ID: <${i}>`,
          'Content-Transfer-Encoding: base64',
        ),
      ),
      status(),
      copy(),
    ),
    'behind words of 300 kB': report(
      part('text/html', '<p>x</p>\r\n'.repeat(30_000)),
      status(),
      copy(),
    ),
    'as Gmail sends it': multipart(
      'report; report-type=delivery-status',
      '0000000000',
      [
        multipart('related', 'rel', [
          multipart('alternative', 'alt', [
            part('text/plain', '** Address not found **'),
            part('text/html', '<html>'),
          ]),
          part(
            'image/png; name="icon.png"',
            base64('x'.repeat(2_000)),
            'Content-Transfer-Encoding: base64',
          ),
        ]),
        status(),
        copy(),
      ],
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      'X-Failed-Recipients: ada@example.org',
    ),
    'as Exchange sends it, in base64': report(
      status(base64(STATUS), 'Content-Transfer-Encoding: base64'),
      part('message/rfc822', ours()),
    ),
    'in quoted-printable': report(
      status(
        STATUS.replace('Action: failed', 'Action:=20fai=\r\nled'),
        'Content-Transfer-Encoding: Quoted-Printable',
      ),
      headersOnly(),
    ),
    'from a gateway that made it multipart/mixed': multipart('mixed', 'x', [
      part('text/plain', 'No'),
      status(),
      copy(),
    ]),
    'in a forward': forward(report(status(), copy())),
    'in a forward of a forward': forward(forward(report(status(), copy()))),
    'in a forward in base64': multipart('mixed', 'fwd', [
      part('message/rfc822', base64(report(status(), copy())), 'Content-Transfer-Encoding: base64'),
    ]),
    'in a forward that has other attachments': multipart('mixed', 'fwd', [
      part('text/plain', 'See'),
      part('application/pdf', 'JVBERi0xLjQK', 'Content-Transfer-Encoding: base64'),
      part('message/rfc822', report(status(), copy())),
    ]),
    'without its end': report(status(), copy()).replace(/\r\n--b--\r\n$/, ''),
    'without a final newline': report(status(), headersOnly()).trimEnd(),
    'cut off behind the status':
      report(status(), copy()).split('Content-Type: message/rfc822')[0] ?? '',
    'with line feeds only': report(status(), copy()).replaceAll('\r\n', '\n'),
    'from a mailbox file': `From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n${report(status(), copy())}`,
    'with blanks behind the boundaries': report(status(), copy()).replaceAll(
      '--b\r\n',
      '--b \t\r\n',
    ),
    'with a boundary without quotes': report(status(), copy()).replace(
      'boundary="b"',
      'boundary=b',
    ),
    'with folded headers': report(status(), copy()).replace('; boundary', ';\r\n\tboundary'),
    'in capitals': report(
      status().replace('message/delivery-status', 'Message/Delivery-Status'),
      copy(),
    )
      .replace('multipart/report', 'MULTIPART/REPORT')
      .replace('Action: failed', 'ACTION: Failed'),
    'without an action': report(status(STATUS.replace('Action: failed\r\n', '')), copy()),
    'in one block': report(status(STATUS.replace('(UTC)\r\n\r\n', '(UTC)\r\n')), copy()),
    'with blanks on its empty lines': report(
      status(STATUS.replace('(UTC)\r\n\r\n', '(UTC)\r\n \t\r\n')),
      copy(),
    ),
    'of an e-mail that has a report within': report(
      status(),
      copy(
        multipart(
          'mixed',
          'o',
          [
            part(
              'message/rfc822',
              report(status(STATUS.replace('failed', 'delivered')), headersOnly(OTHER)),
            ),
          ],
          head(),
        ),
      ),
    ),
    'that says nothing but in words': report(
      status(STATUS.replace('5.1.1', '5.0.0').replace('550 5.1.1', '550')),
      copy(),
    ),
    'with a return path of ours and nothing else': report(
      status(),
      part('text/rfc822-headers', `Return-Path: <${TO}>\r\nSubject: Hello\r\n`),
    ),
    'of an e-mail with a Message-ID of its own': withOwnId(report(status(), headersOnly())),
    'that names the e-mail it answers': report(status()).replace(
      'Auto-Submitted',
      `In-Reply-To: <${REFERENCE}@example.com>\r\nAuto-Submitted`,
    ),
    'with carriage returns only': report(status(), copy()).replaceAll('\r\n', '\r'),
    'with line ends of all kinds': report(status(), copy())
      .split('\r\n')
      .reduce((text, line, i, all) => {
        const isAlone = line !== '' && all[i - 1] !== '';
        return text + (isAlone ? ['\r\n', '\n', '\r', '\r\r\n'][i % 4] : '\r\n') + line;
      }),
    'with a boundary in pieces': report(status(), copy())
      .replaceAll('--b', '--ab')
      .replace('boundary="b"', 'boundary*1=b;\r\n boundary*0="a"'),
    'with a boundary with escapes': report(status(), copy()).replace(
      'boundary="b"',
      "boundary*=us-ascii'en'%62",
    ),
    'with a boundary of pieces with escapes': report(status(), copy())
      .replaceAll('--b', '--=_b c')
      .replace('boundary="b"', 'boundary*0*=utf-8\'\'%3D_; boundary*1*=b%20; boundary*2="c"'),
    'with a boundary with a backslash': report(status(), copy())
      .replaceAll('--b', '--a"b')
      .replace('boundary="b"', 'boundary="a\\"b"'),
    'with comments': report(status(), copy())
      .replace('multipart/report;', 'multipart/report (of a failure; really);')
      .replace('message/delivery-status', 'message/delivery-status (see RFC 3464)'),
    'in base64 with a comment': report(
      status(base64(STATUS), 'Content-Transfer-Encoding: (as always) BASE64 (76 a line)'),
      copy(),
    ),
    'in "base64"': report(status(base64(STATUS), 'Content-Transfer-Encoding: "base64"'), copy()),
    'in binary': report(status(STATUS, 'Content-Transfer-Encoding: Binary'), copy()),
    'in an encoding that nobody knows': report(
      status(STATUS, 'Content-Transfer-Encoding: x-own'),
      copy(),
    ),
    'in x-uuencode': report(
      status(uuencode(STATUS), 'Content-Transfer-Encoding: X-UUencode'),
      copy(),
    ),
    'with a status that is said to be text': report(part('text/plain', STATUS), copy()),
    'of a Postfix without a status': notice(
      'This is the mail system at host mx.example.net.',
      '',
      "I'm sorry to have to inform you that your message could not",
      'be delivered to one or more recipients.',
      '',
      '<ada@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1',
      '    <ada@example.org>: Recipient address rejected: User unknown (in reply to',
      '    RCPT TO command)',
    ),
    'of an old Exchange': notice(
      'Your message',
      '',
      '  To:      Ada',
      '  Subject: Hello',
      '',
      'did not reach the following recipient(s):',
      '',
      'ada@example.org on Thu, 1 Jan 2026 00:00:00 +0100',
      '    The e-mail account does not exist at the organization this message was sent to.',
      '    <mx.example.org #5.1.1>',
    ),
    'of sendmail': notice(
      '   ----- The following addresses had permanent fatal errors -----',
      '<ada@example.org>',
      '    (reason: 550 5.1.1 User unknown)',
      '',
      '   ----- Transcript of session follows -----',
      '... while talking to mx.example.org.:',
      '>>> RCPT To:<ada@example.org>',
      '<<< 550 5.1.1 User unknown',
    ),
    'in Danish': notice(
      'Din besked kunne ikke leveres til følgende modtager:',
      '<ada@example.org>: 550 5.1.1 Ukendt bruger',
    ),
    'in Japanese': notice('配信できませんでした。', 'ada@example.org', '#5.1.1 ユーザー不明'),
    'of qmail': lines(
      'From: MAILER-DAEMON@mx.example.net',
      'To: someone@relay.example',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mx.example.net.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      '',
      '<ada@example.org>:',
      '192.0.2.1 does not like recipient.',
      'Remote host said: 550 5.1.1 No such user',
      'Giving up on 192.0.2.1.',
      '',
      '--- Below this line is a copy of the message.',
      '',
      head(),
      '',
      'Hello',
    ),
    'of Exim in plain words': lines(
      'X-Failed-Recipients: ada@example.org',
      'Auto-Submitted: auto-replied',
      'From: Mail Delivery System <Mailer-Daemon@mx.example.net>',
      'Subject: Mail delivery failed: returning message to sender',
      '',
      'This message was created automatically by mail delivery software.',
      '',
      'A message that you sent could not be delivered to one or more of its',
      'recipients. This is a permanent error. The following address(es) failed:',
      '',
      '  ada@example.org',
      '    host mx.example.org [192.0.2.1]',
      '    SMTP error from remote mail server after RCPT TO:<ada@example.org>:',
      '    550 5.1.1 No such user',
      '',
      '------ This is a copy of the message, including all the headers. ------',
      '',
      head(),
      '',
      'Hello',
    ),
  };

  it.each(Object.keys(shapes))('%s', async (name) => {
    const raw = Buffer.from(shapes[name] ?? '', 'latin1');
    expect(await read(raw, BOUNCES, TO)).toMatchObject(UNKNOWN);
    // Without the address, by what it returns.
    if (!name.startsWith('cut off')) expect(await read(raw, BOUNCES, null)).toMatchObject(UNKNOWN);
  });

  it('in eight bits, of UTF-8 and of Windows-1252', async () => {
    for (const encoding of ['utf8', 'latin1'] as const) {
      const text = report(status(STATUS.replace('User unknown', 'Empfänger unbekannt')), copy());
      expect(await read(Buffer.from(text, encoding), BOUNCES, TO)).toMatchObject({
        ...UNKNOWN,
        detail: expect.stringContaining('Empfänger unbekannt'),
      });
    }
  });

  it('with words that can be kept, on one line', async () => {
    const text = report(status(STATUS.replace('User unknown', 'User\0 \u0007unknown')), copy());
    const receipt = await read(Buffer.from(text), BOUNCES, TO);
    expect(receipt?.detail).toMatch(
      /^5\.1\.1 550 5\.1\.1 .* User unknown in virtual mailbox table$/,
    );
  });

  it.each([
    [
      [block('ada@example.org', 'failed', '5.2.2'), block('bob@example.org', 'delivered', '2.0.0')],
      'UNDELIVERED',
      30003,
    ],
    [
      [block('bob@example.org', 'failed', '5.1.1'), block('ada@example.org', 'delivered', '2.0.0')],
      'DELIVERED',
      undefined,
    ],
    [
      [block('bob@example.org', 'failed', '5.1.1'), block('ADA@example.org', 'failed', '5.7.1')],
      'UNDELIVERED',
      30007,
    ],
    [
      [block('bob@example.org', 'failed', '5.1.1'), block('ada@example.org', 'delayed', '4.4.1')],
      null,
      undefined,
    ],
    [
      [block('bob@example.net', 'delivered', '2.0.0'), block('eve@example.net', 'failed', '5.1.1')],
      'UNDELIVERED',
      30005,
    ],
    [
      [block('bob@example.net', 'relayed', '2.0.0'), block('eve@example.net', 'delayed', '4.4.1')],
      'DELIVERED',
      undefined,
    ],
    [
      [block('bob@example.net', 'delayed', '4.4.1'), block('eve@example.net', 'failed', '4.4.7')],
      'UNDELIVERED',
      30003,
    ],
  ] as const)('of several recipients: %j is %s', async (blocks, expected, code) => {
    const content = lines('Reporting-MTA: dns; mx.example.net', '', [...blocks]);
    const receipt = await read(Buffer.from(report(status(content), copy())), BOUNCES, TO);
    expect(receipt?.status ?? null).toBe(expected);
    expect(receipt?.code).toBe(code);
  });
});

describe('a complaint is read', () => {
  const arf = (type: string, ...more: string[]) =>
    multipart(
      'report; report-type=feedback-report',
      'b',
      [
        part('text/plain', 'This is an email abuse report.'),
        part(
          'message/feedback-report',
          lines(`Feedback-Type: ${type}`, 'User-Agent: x/1', 'Version: 1', ...more, ''),
        ),
        ...(more.length > 0 ? [] : [copy()]),
      ],
      'From: <abuse@example.net>',
    );
  const complaint = { reference: REFERENCE, status: 'DELIVERED', complaint: true };

  it.each([
    ['with the e-mail', arf('abuse')],
    ['in a forward', forward(arf('fraud'))],
    ['by the return path alone', arf('abuse', `Original-Mail-From: <${TO}>`)],
  ])('%s', async (_, raw) => {
    expect(await read(Buffer.from(raw), BOUNCES, null)).toEqual(complaint);
  });

  it.each(['Abuse', 'abuse (by a button)', '"abuse"', 'opt-out', 'virus'])(
    'of the type %s',
    async (type) => {
      expect(await read(Buffer.from(arf(type)), BOUNCES, TO)).toEqual(complaint);
    },
  );

  it.each(['not-spam', 'other', 'auth-failure', 'dmarc', 'abuser', 'no abuse', ''])(
    'but not of the type "%s"',
    async (type) => {
      expect(await readBounce(Buffer.from(arf(type)), BOUNCES, TO)).toEqual({
        receipt: null,
        problem: 'Feedback of a type that is no complaint',
      });
    },
  );

  it('but not without a type', async () => {
    const raw = arf('abuse').replace('Feedback-Type: abuse\r\n', '');
    expect(await readBounce(Buffer.from(raw), BOUNCES, TO)).toMatchObject({
      receipt: null,
      problem: expect.stringMatching(/no complaint/),
    });
  });
});

describe('reports without a result', () => {
  const strange = report(status(), copy('Subject: of somebody else\r\n\r\nHello'));
  it.each([
    ['a report without its status', report(copy()), /words that are not known/],
    [
      'a status without a word',
      report(status('Reporting-MTA: dns; a\r\n'), copy()),
      /without a status/,
    ],
    ['a report on what is not ours', strange, /names no e-mail/],
    ['a notice without a reply', notice('Sorry.'), /words that are not known/],
    [
      'a notice of a reply for now',
      notice('<a@b.example>: 450 4.2.1 Busy'),
      /words that are not known/,
    ],
    [
      'a notice of a delay',
      notice('Delayed. Nothing more to do. 550 5.1.1 was said elsewhere.'),
      /not known/,
    ],
    [
      'an address that looks like a status',
      notice('from 5.1.1.7 and 10.5.1.1, at 5500'),
      /not known/,
    ],
  ])('is told: %s', async (_, raw, problem) => {
    const reading = await readBounce(Buffer.from(raw, 'latin1'), BOUNCES, null);
    expect(reading.receipt).toBeNull();
    expect(reading.problem).toMatch(problem);
  });
});

describe('no report', () => {
  const auto = (content: string) =>
    multipart(
      'mixed',
      'a',
      [part('text/plain', 'I am away.'), content],
      'Auto-Submitted: auto-replied',
      'Subject: Out of office',
    );
  it.each([
    [
      'an answer of somebody who is away',
      lines(
        'Subject: Out of office',
        'Auto-Submitted: auto-replied',
        '',
        'Back on Monday. Action: failed',
      ),
    ],
    ['one that returns the e-mail', auto(copy())],
    [
      'one that returns an e-mail of ours, which has a report within',
      auto(
        copy(
          multipart(
            'mixed',
            'o',
            [part('message/rfc822', report(status(), headersOnly(OTHER)))],
            head(),
          ),
        ),
      ),
    ],
    [
      'one that returns such an e-mail with a Message-ID of its own',
      auto(
        copy(
          multipart(
            'mixed',
            'o',
            [part('message/rfc822', report(status(), headersOnly(OTHER)))],
            withOwnId(head()),
          ),
        ),
      ),
    ],
    [
      'a word that it was shown',
      multipart('report; report-type=disposition-notification', 'b', [
        part('message/disposition-notification', 'Disposition: manual-action; displayed'),
      ]),
    ],
    [
      'a delay',
      report(status(STATUS.replace('failed', 'delayed').replace('5.1.1', '4.4.1')), copy()),
    ],
    [
      'a report in the text of an e-mail',
      lines('Subject: x', 'Content-Type: text/plain', '', report(status(), copy())),
    ],
    ['an empty one', ''],
    ['a report without its status', report(copy())],
  ])('is %s', async (_, raw) => {
    expect(await read(Buffer.from(raw), BOUNCES, TO)).toBeNull();
  });

  it('names none by a Message-ID of somebody else', async () => {
    const raw = report(status(), headersOnly('order-77'));
    expect(await read(Buffer.from(raw), BOUNCES, null)).toBeNull();
    // In a forward the address says more.
    expect(await read(Buffer.from(forward(raw)), BOUNCES, TO)).toMatchObject({
      reference: REFERENCE,
    });
  });

  it('in a forward is about the e-mail that it names, for any recipient of the forward', async () => {
    const raw = Buffer.from(forward(report(status(), copy(ours(OTHER)))));
    expect(await read(raw, BOUNCES, TO)).toMatchObject({ reference: OTHER });
  });
});

describe('whatever comes', () => {
  it.each([
    ['parts', '--b\r\nContent-Type: text/plain\r\n\r\n'],
    ['multiparts', '--b\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'],
    ['e-mails', '--b\r\nContent-Type: message/rfc822\r\n\r\n'],
    ['dashes', '--b-'],
    ['blanks', ' '],
    ['blank lines', ' \r\n'],
    ['headers', 'To: a,'],
    ['brackets', '<@'],
    ['equals signs', '= '],
    ['qmail', '\n<a@b>:\nx'],
    ['addresses', ' @'],
  ])('a megabyte of %s is looked at once', async (_, piece) => {
    const many = piece.repeat(Math.ceil(1_000_000 / piece.length));
    const raws = [
      `Content-Type: multipart/report; boundary="b"\r\n\r\n${many}`,
      `Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${many}`,
      `X-Failed-Recipients: a@b\r\n\r\n${many}`,
      `Subject: x\r\n\r\nHi. This is the ${many}`,
      many,
    ];
    for (const raw of raws) {
      const receipt = await read(Buffer.from(raw), BOUNCES, TO);
      expect(receipt === null || receipt.reference === REFERENCE).toBe(true);
    }
  });

  it('is read or is none, and a change elsewhere than in the report changes nothing', async () => {
    const whole = Buffer.from(report(status(), copy()));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 }),
        async (changes) => {
          const raw = Buffer.from(whole);
          for (const [at, octet] of changes) raw[at] = octet;
          const receipt = await read(raw, BOUNCES, TO);
          if (receipt !== null) expect(receipt.reference).toMatch(/^[0-9a-z-]{1,48}$/);
        },
      ),
    );
    const end = whole.indexOf('Hello');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (tail) => {
        const raw = Buffer.concat([whole.subarray(0, end), tail]);
        expect(await read(raw, BOUNCES, TO)).toMatchObject(UNKNOWN);
      }),
    );
  });
});

it.each([
  ['CRs alone', `A: b\r\n\r\n${'\r'.repeat(1_000_000)}`],
  [
    'a quote without an end',
    `Content-Type: multipart/report; boundary="${'\\"'.repeat(32_000)}\r\n\r\n`,
  ],
])('a mail of %s is read in one go', (_, source) => {
  // With the square of its length it would take longer than any test may.
  for (let i = 0; i < 20; i += 1) expect(readPart(source).boundary).toBeNull();
});
