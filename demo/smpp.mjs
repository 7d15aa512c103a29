/**
 * `npm run demo:smpp`: 3,000 messages over SMPP to an SMSC on this machine, which is killed in the middle and comes back,
 * answers ids in hexadecimal and reports them in decimal, refuses some numbers; then a person writes STOP. The SMSC is
 * the npm package `smpp`, so another's implementation of the protocol is at the other end.
 */
import { createRequire } from 'node:module';
import { freePort, print, until, watch, withFanfare } from './session.mjs';

const smpp = createRequire(import.meta.url)('smpp');

const MESSAGES = 3_000;
const SHOP = '+15005550100';

/** An SMSC that keeps its numbers over a crash, and loses unfinished transmissions. */
function createSmsc(port) {
  const smsc = { taken: [], sessions: new Set(), isOver: false, stop: null };
  let nextId = 0x1000;

  function onSubmit(session, pdu) {
    const to = pdu.destination_addr;
    if (to.endsWith('99')) {
      session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
      return;
    }
    nextId += 1;
    const id = nextId;
    smsc.taken.push({ to, text: pdu.short_message.message });
    setTimeout(() => session.send(pdu.response({ message_id: id.toString(16).toUpperCase() })), 5);
    setTimeout(
      () => report(id, to, to.endsWith('98') ? 'UNDELIV' : 'DELIVRD'),
      20 + Math.random() * 300,
    );
  }

  /** To whichever session is there; without one, later, for as long as another may come. */
  function report(id, from, stat) {
    if (smsc.isOver) return;
    const [session] = smsc.sessions;
    if (session === undefined) {
      setTimeout(() => report(id, from, stat), 100);
      return;
    }
    session.deliver_sm({
      esm_class: 4,
      source_addr: from,
      destination_addr: SHOP.slice(1),
      short_message: `id:${String(id).padStart(10, '0')} sub:001 dlvrd:001 submit date:2601010101 done date:2601010102 stat:${stat} err:000 text:`,
    });
  }

  smsc.start = () =>
    new Promise((resolve) => {
      const server = smpp.createServer((session) => {
        session.on('error', () => undefined);
        session.on('close', () => smsc.sessions.delete(session));
        session.on('bind_transceiver', (pdu) => {
          session.send(pdu.response({ system_id: 'demo' }));
          smsc.sessions.add(session);
        });
        session.on('submit_sm', (pdu) => onSubmit(session, pdu));
        session.on('enquire_link', (pdu) => session.send(pdu.response()));
        session.on('unbind', (pdu) => {
          session.send(pdu.response());
          session.close();
        });
      });
      server.listen(port, '127.0.0.1', resolve);
      smsc.stop = () =>
        new Promise((closed) => {
          for (const session of smsc.sessions) session.destroy();
          smsc.sessions.clear();
          server.close(closed);
        });
    });
  return smsc;
}

const port = await freePort();
const smsc = createSmsc(port);
await smsc.start();
const config = {
  carriers: {
    smsc: {
      kind: 'smpp',
      host: '127.0.0.1',
      port,
      systemId: 'fanfare',
      password: 'secret',
      reconnectMinMs: 100,
      reconnectMaxMs: 500,
    },
  },
  senders: [{ address: SHOP, channel: 'SMS', carrier: 'smsc' }],
};
const recipients = Array.from({ length: MESSAGES }, (_, i) => ({
  address: `+1500556${String(i).padStart(4, '0')}`,
  channel: 'PHONE',
  variables: { seat: String(i + 1) },
}));

try {
  await withFanfare(config, async (call) => {
    print(
      `An SMSC listens on 127.0.0.1:${port}. Sending ${MESSAGES.toLocaleString('en')} messages.\n`,
    );
    const { operationId } = await call('POST', '/v1/Messages', {
      to: recipients,
      content: { text: 'Doors open at 7. Your seat: {{ seat }}. See you – the Opera 🎭' },
    });
    const path = `/v1/Messages/Operations/${operationId}`;
    await until(() => smsc.taken.length > MESSAGES / 3);
    await smsc.stop();
    print(`  … the SMSC was killed, having taken ${smsc.taken.length.toLocaleString('en')} …`);
    await watch(call, path, () => true);
    await smsc.start();
    print('  … and is back.');
    const { stats } = await watch(
      call,
      path,
      ({ status, stats: now }) => status === 'COMPLETED' && now.sent === 0,
    );
    const doubled = smsc.taken.length - new Set(smsc.taken.map(({ to }) => to)).size;
    const { errors } = await call('GET', `${path}/Errors?pageSize=1000`);
    const held = errors.filter(({ code }) => code === 30050).length;
    print(`
The SMSC took ${smsc.taken.length.toLocaleString('en')} messages, ${doubled} of them twice.
${stats.delivered.toLocaleString('en')} arrived; ${stats.failed} were refused; ${stats.undelivered - held} could not be delivered; of ${held} it is
unknown whether the SMSC had them when it was killed, so they were not sent again (error 30050).
`);
    print('Somebody writes STOP.');
    const before = smsc.taken.length;
    const [session] = smsc.sessions;
    session.deliver_sm({
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: '15005560001',
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: SHOP.slice(1),
      short_message: 'Stop',
    });
    const answer = await until(() => smsc.taken[before]);
    print(`  The answer: ${answer.text}`);
    const { suppressions } = await call('GET', '/v1/Suppressions');
    print(`  On the suppression list: ${suppressions.map(({ address }) => address).join(', ')}`);
    if (doubled > 0 || stats.delivered + stats.failed + stats.undelivered !== MESSAGES)
      throw new Error('Something was lost or doubled.');
  });
} finally {
  smsc.isOver = true;
  await smsc.stop();
}
