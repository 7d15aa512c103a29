/**
 * The SMTP carrier: submits e-mails to a mail server (RFC 5321, RFC 6409) over persistent connections. Its parts:
 *
 * ```
 *  compose ◀─ this ─▶ replies        outgoing e-mails, and the meaning of refusals
 *  verp, bounces ◀─ bounce-server    reports
 * ```
 * An e-mail is submitted at most once. Without an answer it is `unknown`. If its last line was never sent, the server
 * cannot have accepted it: it is `throttled`, so that an outage or a wrong password costs no attempts.
 */
import nodemailer from 'nodemailer';
import { ERRORS } from '../../domain/errors.ts';
import type { Receipt } from '../../domain/receipt.ts';
import type { Logger } from '../../lib/log.ts';
import { createBackoff } from '../backoff.ts';
import { EXPIRED, hasExpired } from '../carrier.ts';
import type { Carrier, ReceiptSink, SendResult, Submission } from '../carrier.ts';
import { createUnderWay } from '../under-way.ts';
import { startBounceServer, type BounceServer } from './bounce-server.ts';
import { composeMail, type Mail } from './compose.ts';
import { signStream } from './dkim.ts';
import type { SmtpOptions } from './options.ts';
import { classifyRefusal, type Refusal } from './replies.ts';

/** After a stop, submissions are throttled for this long. */
const STOPPED_AFTER_MS = 1_000;
const DETAIL_LENGTH_MAX = 300;

/** The progress of a submission. */
interface Progress {
  /** Its last byte was taken from us: from then on the server may have it. */
  isOut: boolean;
  /** Withholds the remainder of an e-mail: a failed connection would otherwise continue to write it. */
  abort: () => void;
}

/** A carrier that connects on the first submission. */
export function createSmtpCarrier(options: SmtpOptions): Carrier {
  const log = options.logger.child({ carrier: options.name });
  const backoff = createBackoff();
  let transport: Transport | null = null;
  let bounces: BounceServer | null = null;
  let lastFailure: string | null = null;
  const delivered = createHandOver(log);
  const underWay = createUnderWay<SendResult>();

  function wait(detail: string): SendResult {
    if (lastFailure !== detail) log.warn({ detail }, 'The mail server is unavailable');
    lastFailure = detail;
    return { kind: 'throttled', afterMs: Math.max(1, backoff.fail(performance.now())) };
  }

  function refused(refusal: Refusal, message: string): SendResult {
    const meaning = classifyRefusal(refusal);
    const detail = `${refusal.code} ${refusal.text}`.slice(0, DETAIL_LENGTH_MAX);
    if (meaning.kind === 'wait') return wait(message);
    recovered();
    return meaning.kind === 'retry'
      ? { ...meaning, detail, afterMs: options.retryAfterMs }
      : { ...meaning, detail };
  }

  function recovered(): void {
    lastFailure = null;
    backoff.succeed();
  }

  function failed(error: SmtpError, progress: Progress): SendResult {
    const { responseCode, code = '', command = '' } = error;
    const detail = error.message.replace(/\s+/g, ' ').slice(0, DETAIL_LENGTH_MAX);
    if (!progress.isOut) progress.abort();
    // An answer to something else can look like a success.
    if (responseCode !== undefined && responseCode >= 400 && responseCode < 600) {
      const text = (error.response ?? '')
        .replace(/^\d{3}[ -]?/gm, '')
        .replace(/\s+/g, ' ')
        .trim();
      return refused({ code: responseCode, text, stage: stageOf(command) }, detail);
    }
    // Found out here: an address that cannot be written, more octets than the server takes.
    if (!progress.isOut && (command === 'API' || command === 'MAIL FROM')) {
      if (code === 'EENVELOPE')
        return { kind: 'rejected', code: ERRORS.unknownDestination.code, detail };
      if (code === 'EMESSAGE') return { kind: 'rejected', code: ERRORS.carrierFault.code, detail };
    }
    return progress.isOut ? { kind: 'unknown', detail } : wait(detail);
  }

  async function submit(submission: Submission): Promise<SendResult> {
    const open = transport;
    if (open === null) return { kind: 'throttled', afterMs: STOPPED_AFTER_MS };
    const waitMs = backoff.remaining(performance.now());
    if (waitMs > 0) return { kind: 'throttled', afterMs: waitMs };
    if (hasExpired(submission, Date.now())) return EXPIRED;
    const composed = composeMail(submission, options.bounceAddress);
    if (!composed.ok)
      return { kind: 'rejected', code: ERRORS.templateFailed.code, detail: composed.problem };
    const progress: Progress = { isOut: false, abort: () => undefined };
    try {
      const { response } = await open.sendMail(toMessage(composed.mail, submission, progress));
      recovered();
      if (options.deliveredOn === 'accept')
        delivered.add({ reference: submission.reference, status: 'DELIVERED' });
      return { kind: 'accepted', providerId: readQueueId(response) ?? composed.mail.messageId };
    } catch (error) {
      return failed(error as SmtpError, progress);
    }
  }

  /** Requests to the server in addition to the mail itself. */
  function toMessage(mail: Mail, { reference, to }: Submission, progress: Progress) {
    const dsn = { id: reference, return: 'headers' as const, recipient: to };
    return {
      ...mail,
      envelope: { from: mail.envelope.from, to: [...mail.envelope.to] },
      attachments: [...mail.attachments],
      headers: { ...mail.headers },
      ...(options.deliveredOn === 'report'
        ? { dsn: { ...dsn, notify: ['success' as const, 'failure' as const] } }
        : {}),
      progress,
    };
  }

  return {
    name: options.name,
    channels: new Set(['EMAIL'] as const),
    ambiguous: options.ambiguous,
    quotesOwnIds: false,
    windowMax: options.connections,
    async start(receive) {
      delivered.start(receive);
      if (options.bounceListen !== null && options.bounceAddress !== null)
        bounces = await startBounceServer({
          ...options.bounceListen,
          bounceAddress: options.bounceAddress,
          receive,
          log,
          onUnreadable: options.onDamage,
        });
      transport = openTransport(options);
    },
    send: (submission) => underWay.track(submit(submission)),
    async stop() {
      const closing = transport;
      transport = null;
      closing?.close();
      await underWay.settled();
      await bounces?.close();
      bounces = null;
      await delivered.stop();
    },
    state: () => ({
      connections: options.connections,
      connected: lastFailure === null ? options.connections : 0,
      detail: lastFailure,
    }),
  };
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly response?: string;
  readonly responseCode?: number;
  /** The answered command: `MAIL FROM`, `DATA`; `API` if nothing was sent. */
  readonly command?: string;
}

function stageOf(command: string): Refusal['stage'] {
  switch (command) {
    case 'MAIL FROM':
      return 'sender';
    case 'RCPT TO':
      return 'recipient';
    case 'DATA':
      return 'content';
    default:
      return 'connection';
  }
}

type Transport = ReturnType<typeof openTransport>;

function openTransport(options: SmtpOptions) {
  const { security, username, password, dkim } = options;
  const transport = nodemailer.createTransport({
    pool: true,
    host: options.host,
    port: options.port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: {
      rejectUnauthorized: options.rejectUnauthorized,
      ...(options.ca === null ? {} : { ca: options.ca }),
      ...(options.servername === null ? {} : { servername: options.servername }),
    },
    ...(username === null ? {} : { auth: { user: username, pass: password ?? '' } }),
    ...(options.clientName === null ? {} : { name: options.clientName }),
    maxConnections: options.connections,
    maxMessages: options.messagesPerConnection,
    // Otherwise nodemailer would send an e-mail again that the server may have accepted.
    maxRequeues: 0,
    connectionTimeout: options.connectTimeoutMs,
    greetingTimeout: options.greetingTimeoutMs,
    socketTimeout: options.answerTimeoutMs,
    // Content names no files and no addresses to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  transport.use('stream', (mail, done) => {
    const { progress } = mail.data as { progress?: Progress };
    if (dkim !== null) mail.message.processFunc((message) => signStream(message, dkim));
    const make = mail.message.createReadStream.bind(mail.message);
    // The stream that the connection reads, signature included: buffers before it are far ahead of the sent octets.
    mail.message.createReadStream = (...rest: Parameters<typeof make>) => {
      const stream = make(...rest);
      if (progress === undefined) return stream;
      stream.once('end', () => {
        progress.isOut = true;
      });
      progress.abort = () => void stream.destroy(new Error('Given up'));
      return stream;
    };
    done();
  });
  // The e-mail on a connection gets its failure.
  transport.on('error', () => undefined);
  return transport;
}

/** The server's id of an e-mail, from the replies of common servers; null if there is none. */
function readQueueId(response: string): string | null {
  return (
    /queued as (?:<)?([\w.@-]{3,128})/i.exec(response)?.[1] ??
    /\bid=([\w.@-]{3,128})/i.exec(response)?.[1] ??
    null
  );
}

/** Receipts that we create ourselves, passed on together after the answer that they follow. */
function createHandOver(log: Logger) {
  let receive: ReceiptSink | null = null;
  let waiting: Receipt[] = [];
  let handing: Promise<void> | null = null;
  async function handOn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0 && receive !== null) {
      const some = waiting.splice(0);
      try {
        await receive(some);
      } catch (error) {
        log.warn(
          { err: error },
          'Receipts could not be stored; they are retried with the next ones',
        );
        waiting.unshift(...some);
        return;
      }
    }
  }
  return {
    start(sink: ReceiptSink): void {
      receive = sink;
    },
    add(receipt: Receipt): void {
      waiting.push(receipt);
      handing ??= handOn().finally(() => {
        handing = null;
      });
    },
    async stop(): Promise<void> {
      await handing;
      receive = null;
      waiting = [];
    },
  };
}
