/**
 * A scripted SMSC: real sockets on 127.0.0.1 and our codec. It can also do what no SMSC should: refuse, fall silent,
 * answer twice, close the connection, send garbage.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createFrameDecoder } from '../../src/carriers/smpp/frames.ts';
import { NO_TLVS, type BindName, type Pdu, type PduOf } from '../../src/carriers/smpp/pdu.ts';
import { readPdu } from '../../src/carriers/smpp/reader.ts';
import { encodePdu } from '../../src/carriers/smpp/writer.ts';

/** One connection to the SMSC. */
export interface SmscSession {
  readonly received: readonly Pdu[];
  readonly boundAs: BindName | null;
  send(pdu: Pdu): void;
  raw(bytes: Uint8Array): void;
  /** Cuts the line at once. */
  cut(): void;
  /** Sends pending data, then closes. */
  end(): void;
}

/** Reactions to requests; the default is success. */
export interface SmscScript {
  /** The status that a bind is answered with; null: no answer. */
  bind?: (pdu: PduOf<BindName>) => number | null;
  submit?: (pdu: PduOf<'submit_sm'>, session: SmscSession) => void;
  enquireLink?: (pdu: PduOf<'enquire_link'>, session: SmscSession) => void;
  unbind?: (pdu: PduOf<'unbind'>, session: SmscSession) => void;
  other?: (pdu: Pdu | null, session: SmscSession) => void;
}

export interface Smsc {
  readonly port: number;
  /** All that ever connected, in order. */
  readonly sessions: readonly SmscSession[];
  /** May be changed at any time. */
  script: SmscScript;
  /** How many sessions are bound now. */
  readonly bound: number;
  /** The last session that is bound and can be spoken to. */
  readonly session: SmscSession;
  /** Everything received of a command, over all sessions. */
  received<Name extends Pdu['command']>(command: Name): PduOf<Name>[];
  close(): Promise<void>;
}

/** An answer to a submit_sm. */
export function submitAnswer(pdu: { sequence: number }, messageId: string, status = 0): Pdu {
  return {
    command: 'submit_sm_resp',
    status,
    sequence: pdu.sequence,
    messageId,
    tlvs: NO_TLVS,
  };
}

let nextSequence = 1;

/** A deliver_sm; missing fields have plain values. */
export function deliverSm(
  fields: Partial<PduOf<'deliver_sm'>> & { text?: string },
): PduOf<'deliver_sm'> {
  const { text = '', ...rest } = fields;
  nextSequence += 1;
  return {
    command: 'deliver_sm',
    status: 0,
    sequence: nextSequence,
    serviceType: '',
    source: { ton: 1, npi: 1, address: '4917012345' },
    destination: { ton: 1, npi: 1, address: '15005550100' },
    esmClass: 0,
    protocolId: 0,
    priority: 0,
    scheduledAt: '',
    validity: '',
    registeredDelivery: 0,
    replaceIfPresent: 0,
    dataCoding: 0,
    defaultMessageId: 0,
    shortMessage: Buffer.from(text, 'latin1'),
    tlvs: NO_TLVS,
    ...rest,
  };
}

/** A receipt as most SMSCs write it; `recipient` without a plus. */
export function receiptFor(
  messageId: string,
  stat: string,
  err = '000',
  recipient = '4917012345',
): PduOf<'deliver_sm'> {
  return deliverSm({
    esmClass: 0x04,
    source: { ton: 1, npi: 1, address: recipient },
    text: `id:${messageId} sub:001 dlvrd:001 submit date:2601010101 done date:2601010102 stat:${stat} err:${err} text:Hello`,
  });
}

/** Listens on a port of 127.0.0.1, any free one when none is given; with a certificate over TLS. */
export async function startSmsc(
  script: SmscScript = {},
  tls?: { readonly key: string; readonly cert: string },
  port = 0,
): Promise<Smsc> {
  const sessions: (SmscSession & { readonly open: boolean })[] = [];
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    sessions.push(serve(socket, () => smsc.script));
  };
  const server =
    tls === undefined
      ? createServer({ noDelay: true }, onSocket)
      : createTlsServer({ noDelay: true, ...tls }, onSocket);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const smsc: Smsc = {
    port: (server.address() as AddressInfo).port,
    sessions,
    script,
    get bound() {
      return sessions.filter((each) => each.boundAs !== null && each.open).length;
    },
    get session() {
      const session = sessions.findLast((each) => each.boundAs !== null && each.open);
      if (session === undefined) throw new Error('No session is bound');
      return session;
    },
    received<Name extends Pdu['command']>(command: Name) {
      return sessions
        .flatMap((each) => each.received)
        .filter((pdu): pdu is PduOf<Name> => pdu.command === command);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return smsc;
}

function serve(
  socket: Socket,
  scriptNow: () => SmscScript,
): SmscSession & { readonly open: boolean } {
  const received: Pdu[] = [];
  let boundAs: BindName | null = null;
  let messages = 0;
  const session = {
    received,
    get boundAs() {
      return boundAs;
    },
    get open() {
      return !socket.destroyed && socket.writable;
    },
    send: (pdu: Pdu) => void socket.write(encodePdu(pdu)),
    raw: (bytes: Uint8Array) => void socket.write(bytes),
    cut: () => void socket.destroy(),
    end: () => void socket.end(),
  };

  function take(pdu: Pdu | null): void {
    const script = scriptNow();
    if (pdu !== null) received.push(pdu);
    switch (pdu?.command) {
      case 'bind_receiver':
      case 'bind_transmitter':
      case 'bind_transceiver': {
        const status = script.bind?.(pdu) ?? (script.bind === undefined ? 0 : null);
        if (status === null) return;
        if (status === 0) boundAs = pdu.command;
        session.send({
          command: `${pdu.command}_resp`,
          status,
          sequence: pdu.sequence,
          systemId: 'smsc',
          tlvs: NO_TLVS,
        });
        return;
      }
      case 'submit_sm':
        messages += 1;
        if (script.submit) script.submit(pdu, session);
        else session.send(submitAnswer(pdu, `m${messages}`));
        return;
      case 'enquire_link':
        if (script.enquireLink) script.enquireLink(pdu, session);
        else session.send({ command: 'enquire_link_resp', status: 0, sequence: pdu.sequence });
        return;
      case 'unbind':
        if (script.unbind) script.unbind(pdu, session);
        else {
          session.send({ command: 'unbind_resp', status: 0, sequence: pdu.sequence });
          session.end();
        }
        return;
      default:
        script.other?.(pdu, session);
    }
  }

  const decoder = createFrameDecoder((bytes, start, end) => take(readPdu(bytes, start, end)));
  socket.on('data', (chunk) => decoder.push(chunk));
  socket.on('error', () => undefined);
  return session;
}
