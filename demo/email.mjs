/**
 * `npm run demo:email`: 300 e-mails to a mail server on this machine that refuses some, is busy for others and reports later
 * that some did not arrive. People open theirs, one unsubscribes with one click and one complains.
 */
import { once } from 'node:events';
import nodemailer from 'nodemailer';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { freePort, print, until, watch, withFanfare } from './session.mjs';

const EMAILS = 300;
const BOUNCES = 'bounces@demo.example';

/** A reply of the server's own. */
const refusal = (responseCode, message) => Object.assign(new Error(message), { responseCode });

/** A mail server that stores accepted e-mails unchanged. */
async function startMailServer() {
  const taken = [];
  const busy = new Set();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, callback) {
      const number = Number(/\d+/.exec(address)?.[0]);
      if (number % 50 === 7) callback(refusal(550, '5.1.1 There is nobody of this name'));
      else if (number % 50 === 8 && !busy.has(address)) {
        busy.add(address);
        callback(refusal(451, '4.7.1 Greylisted, come back in a while'));
      } else callback();
    },
    onData(stream, session, callback) {
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({ from: mailFrom.address, to: rcptTo[0].address, raw: Buffer.concat(chunks) });
        callback(null, `2.0.0 Ok: queued as Q${taken.length}`);
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: server.server.address().port,
    taken,
    close: () => new Promise((done) => server.close(done)),
  };
}

/** A report as servers write it (RFC 3464), or a complaint (RFC 5965). */
function composeReport(kind, fields) {
  const type = kind === 'complaint' ? 'feedback-report' : 'delivery-status';
  return `From: MAILER-DAEMON@relay.example
Subject: Report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=${type}; boundary=b

--b
Content-Type: text/plain

This is a report.
--b
Content-Type: message/${type}

${fields}

--b--
`.replaceAll('\n', '\r\n');
}

const mail = await startMailServer();
const bouncePort = await freePort();
const reporter = nodemailer.createTransport({
  host: '127.0.0.1',
  port: bouncePort,
  ignoreTLS: true,
});
const report = (to, raw) => reporter.sendMail({ envelope: { from: '', to }, raw });

const config = {
  carriers: {
    mail: {
      kind: 'smtp',
      host: '127.0.0.1',
      port: mail.port,
      security: 'none',
      retryAfterMs: 1_000,
      bounceAddress: BOUNCES,
      bounceListen: { host: '127.0.0.1', port: bouncePort },
    },
  },
  senders: [{ address: 'tickets@demo.example', channel: 'EMAIL', carrier: 'mail' }],
};

try {
  await withFanfare(config, async (call) => {
    print(`A mail server listens on 127.0.0.1:${mail.port}. Sending ${EMAILS} e-mails.\n`);
    const { operationId } = await call('POST', '/v1/Emails', {
      from: { address: 'tickets@demo.example', name: 'The Opera' },
      to: Array.from({ length: EMAILS }, (_, i) => ({
        address: `guest${i + 1}@people.example`,
        name: `Guest ${i + 1}`,
        variables: { seat: String(i + 1) },
      })),
      content: {
        subject: 'Seat {{ seat }}: doors open at 7',
        html: '<h1>See you tonight</h1><p>Your seat is <b>{{ seat }}</b>. <a href="https://demo.example/plan">The plan</a></p>',
        attachments: [
          {
            filename: 'programme.txt',
            contentType: 'text/plain',
            content: Buffer.from('Tonight: The Magic Flute').toString('base64'),
          },
        ],
      },
      trackOpens: true,
    });
    const path = `/v1/Emails/Operations/${operationId}`;
    await watch(call, path, ({ status }) => status === 'COMPLETED');

    print('\nOne of them, as it arrived:\n');
    const first = mail.taken[0];
    const email = await PostalMime.parse(first.raw);
    const header = (key) => email.headers.find((each) => each.key === key)?.value;
    for (const key of ['from', 'to', 'subject', 'message-id', 'list-unsubscribe-post'])
      print(`  ${key}: ${header(key)}`);
    print(`  (return path) ${first.from}`);
    print(
      `\n  ${email.text.trim().replaceAll('\n', '\n  ')}\n  + ${email.attachments[0].filename}\n`,
    );

    print(
      'Five do not arrive after all, a hundred are opened, one guest complains, one unsubscribes.',
    );
    const failed =
      'Final-Recipient: rfc822; x\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Mailbox full';
    for (const each of mail.taken.slice(0, 5))
      await report(each.from, composeReport('status', failed));
    for (const each of mail.taken.slice(5, 105)) {
      const { html } = await PostalMime.parse(each.raw);
      await fetch(/src="([^"]+\.gif)"/.exec(html)[1]);
    }
    await report(
      mail.taken[105].from,
      composeReport('complaint', 'Feedback-Type: abuse\nVersion: 1'),
    );
    const other = await PostalMime.parse(mail.taken[106].raw);
    const link = other.headers.find(({ key }) => key === 'list-unsubscribe').value.slice(1, -1);
    await fetch(link, { method: 'POST', body: 'List-Unsubscribe=One-Click' });

    const { stats } = await watch(
      call,
      path,
      ({ stats: now }) => now.opened === 100 && now.undelivered === 5,
    );
    const listed = await until(async () => {
      const { suppressions } = await call('GET', '/v1/Suppressions');
      return suppressions.length === 2 ? suppressions : null;
    });
    print('\nOn the suppression list:');
    for (const { address, reason } of listed) print(`  ${address} (${reason})`);
    const { errors } = await call('GET', `${path}/Errors?pageSize=1000`);
    print('\nErrors:');
    const counts = new Map();
    for (const { code, message } of errors) {
      const line = `${code} ${message}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    for (const [line, count] of counts) print(`  ${String(count).padStart(3)} × ${line}`);
    if (stats.failed !== EMAILS / 50) throw new Error('The counters are not right.');
  });
} finally {
  reporter.close();
  await mail.close();
}
