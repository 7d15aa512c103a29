/**
 * The bounce server: accepts mail only to the addresses for reports. The MX record of the bounce domain points to it, or to
 * a mail server that forwards such mail.
 */
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { createFirstTime } from '../../lib/first-time.ts';
import type { Logger } from '../../lib/log.ts';
import type { ReceiptSink } from '../carrier.ts';
import { readBounce } from './bounces.ts';
import { referenceOf } from './verp.ts';

export interface BounceServer {
  /** The port that was really taken. */
  readonly port: number;
  close(): Promise<void>;
}

/** Maximum size of a report in bytes; servers return headers, or a few kilobytes. */
const SIZE_MAX = 1_048_576;
const CONNECTIONS_MAX = 50;
const SILENCE_MS = 30_000;
const CLOSE_MS = 1_000;

/** Listens. Rejects when the port is taken. */
export async function startBounceServer(options: {
  readonly host: string;
  readonly port: number;
  readonly bounceAddress: string;
  readonly receive: ReceiptSink;
  readonly log: Logger;
  /** A report without a usable status. */
  readonly onUnreadable: () => void;
}): Promise<BounceServer> {
  const { bounceAddress, receive, log } = options;
  const report = createReporter(log, options.onUnreadable);

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk as Buffer);
    if (stream.sizeExceeded) throw reply(552, 'Reports have at most 1 MB');
    const raw = Buffer.concat(chunks);
    for (const { address } of session.envelope.rcptTo) {
      const { receipt, problem } = await readBounce(raw, bounceAddress, address);
      if (receipt !== null) await receive([receipt]);
      else if (problem !== null) report(problem);
      // Answers of holiday-makers come here, too.
      else log.debug('Mail to the bounce address contains no report');
    }
  }

  const server = new SMTPServer({
    banner: 'Reports only',
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: SIZE_MAX,
    maxClients: CONNECTIONS_MAX,
    socketTimeout: SILENCE_MS,
    closeTimeout: CLOSE_MS,
    disableReverseLookup: true,
    onRcptTo({ address }, session, callback) {
      // A report is about one e-mail. With many recipients, the same octets would be parsed again and again for any
      // client.
      if (session.envelope.rcptTo.length > 0)
        return callback(reply(452, 'One recipient at a time'));
      const known = referenceOf(bounceAddress, address) !== null;
      callback(known ? null : reply(550, 'No such mailbox; only reports are taken here'));
    },
    onData(stream, session, callback) {
      take(stream, session).then(
        () => callback(null, 'Taken'),
        (error: Error & { responseCode?: number }) => {
          if (error.responseCode === undefined)
            log.warn({ err: error }, 'A report could not be stored');
          callback(error.responseCode === undefined ? reply(451, 'Try again later') : error);
        },
      );
    },
  });
  server.on('error', (error) => log.debug({ reason: error.message }, 'The bounce server failed'));
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.server.off('error', reject);
      resolve();
    });
  });
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Counts mails without a report, and logs each reason once. */
function createReporter(log: Logger, onUnreadable: () => void): (reason: string) => void {
  const isFirst = createFirstTime();
  return (reason) => {
    onUnreadable();
    if (isFirst(reason))
      log.warn(
        { reason },
        'A report on an e-mail changes nothing; logged once for each reason, and counted',
      );
  };
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
