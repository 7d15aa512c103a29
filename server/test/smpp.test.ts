/** The SMPP carrier against an SMSC with a script, over real sockets. */
import { pino } from 'pino';
import { createSmppCarrier } from '../src/carriers/smpp/smpp.ts';
import { SMPP_DEFAULTS, type SmppOptions } from '../src/carriers/smpp/options.ts';
import type { PduOf } from '../src/carriers/smpp/pdu.ts';
import { describeCarrier, type Act, type FarSide } from './support/carrier-conformance.ts';
import { receiptFor, startSmsc, submitAnswer, type SmscSession } from './support/smsc.ts';

function optionsFor(port: number, fields: Partial<SmppOptions> = {}): SmppOptions {
  return {
    ...SMPP_DEFAULTS,
    name: 'smsc',
    host: '127.0.0.1',
    port,
    systemId: 'fanfare',
    password: 'secret',
    windowPerBind: 10,
    responseTimeoutMs: 300,
    reconnectMinMs: 5,
    reconnectMaxMs: 20,
    logger: pino({ level: 'silent' }),
    random: Math.random,
    ...fields,
  };
}

async function startFarSide(): Promise<FarSide & { readonly port: number }> {
  const plan: Act[] = [];
  const submissions: { to: string; text: string }[] = [];
  const held: (() => void)[] = [];
  let open = 0;
  let concurrentMax = 0;

  function act(pdu: PduOf<'submit_sm'>, session: SmscSession, id: string): void {
    const answer = (status = 0) => {
      open -= 1;
      session.send(submitAnswer(pdu, status === 0 ? id : '', status));
    };
    switch (plan.shift() ?? 'accept') {
      case 'accept':
        // A turn later, so that a window fills.
        setImmediate(answer);
        return;
      case 'refuse':
        answer(0x0b);
        return;
      case 'throttle':
        answer(0x58);
        return;
      case 'drop-before-answer':
        session.cut();
        return;
      case 'drop-after-answer':
        answer();
        session.end();
        return;
      case 'late':
        held.push(answer);
        return;
      case 'silent':
        return;
      case 'answer-twice':
        answer();
        answer();
        return;
      case 'receipt-first':
        session.send(receiptFor(id, 'DELIVRD'));
        answer();
        return;
      case 'garbage':
        session.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
        return;
    }
  }

  const smsc = await startSmsc({
    submit(pdu, session) {
      const { address } = pdu.destination;
      submissions.push({ to: `+${address}`, text: pdu.shortMessage.toString('latin1') });
      open += 1;
      concurrentMax = Math.max(concurrentMax, open);
      act(pdu, session, `id${submissions.length - 1}`);
    },
  });
  return {
    port: smsc.port,
    submissions,
    get concurrentMax() {
      return concurrentMax;
    },
    plan: (...acts) => void plan.push(...acts),
    release() {
      for (const answer of held.splice(0)) answer();
    },
    receipt: (index, status) =>
      smsc.session.send(
        receiptFor(
          `id${index}`,
          status === 'DELIVERED' ? 'DELIVRD' : 'UNDELIV',
          status === 'DELIVERED' ? '000' : '027',
        ),
      ),
    close: () => smsc.close(),
  };
}

describeCarrier('SMPP', async () => {
  const far = await startFarSide();
  return { far, carrier: createSmppCarrier(optionsFor(far.port)) };
});
