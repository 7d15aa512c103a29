/** The SMPP carrier against an SMSC that others wrote: npm `smpp`. */
import smpp, { type PDU, type Session } from 'smpp';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { InboundMessage, Receipt } from '../../src/carriers/carrier.ts';
import { createSmppCarrier } from '../../src/carriers/smpp/smpp.ts';
import type { SmppOptions } from '../../src/carriers/smpp/options.ts';
import { foldProviderId } from '../../src/domain/receipt.ts';
import { aSubmission } from '../support/carrier-conformance.ts';
import { optionsFor } from '../support/smpp-options.ts';
import { until } from '../support/until.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** What theirs decodes a message to. */
interface Decoded {
  readonly message: string;
  readonly udh?: readonly Buffer[];
}

async function begin(fields: Partial<SmppOptions> = {}) {
  const submits: PDU[] = [];
  const commands: string[] = [];
  const sessions: Session[] = [];
  const server = smpp.createServer({}, (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
    session.on('pdu', (pdu) => void commands.push(pdu.command));
    for (const name of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
      session.on(name, (pdu) => {
        const isKnown = pdu['system_id'] === 'fanfare' && pdu['password'] === 'secret';
        session.send(pdu.response({ system_id: 'theirs', command_status: isKnown ? 0 : 0x0e }));
      });
    session.on('enquire_link', (pdu) => void session.send(pdu.response()));
    session.on('unbind', (pdu) => {
      session.send(pdu.response());
      session.close();
    });
    session.on('submit_sm', (pdu) => {
      submits.push(pdu);
      session.send(pdu.response({ message_id: `00${(0xa0 + submits.length).toString(16)}` }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const carrier = createSmppCarrier(optionsFor((server.address() as AddressInfo).port, fields));
  stops.push(
    async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    () => carrier.stop(),
  );
  const receipts: Receipt[] = [];
  const messages: InboundMessage[] = [];
  await carrier.start(
    async (some) => void receipts.push(...some),
    async (some) => void messages.push(...some),
  );
  return { carrier, submits, sessions, receipts, messages, commands };
}

const messageOf = (pdu: PDU | undefined) => pdu?.['short_message'] as Decoded | undefined;

describe('against npm smpp', () => {
  it('binds, submits and unbinds', async () => {
    const { carrier, submits, commands } = await begin({ serviceType: 'CMT' });
    expect(await carrier.send(aSubmission({ text: '5 € [a]' }))).toEqual({
      kind: 'accepted',
      providerId: '00a1',
    });
    expect(submits[0]).toMatchObject({
      service_type: 'CMT',
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: '15005550100',
      dest_addr_ton: 1,
      destination_addr: '4917012345',
      registered_delivery: 1,
      data_coding: 0,
      short_message: { message: '5 € [a]' },
    });
    await carrier.stop();
    expect(commands).toEqual(['bind_transceiver', 'submit_sm', 'unbind']);
  });

  it('gets an error for a wrong password', async () => {
    const { carrier } = await begin({ password: 'other', unboundWaitMs: 50 });
    await until(() => carrier.state?.().detail?.includes('ESME_RINVPASWD') === true);
    expect((await carrier.send(aSubmission())).kind).toBe('throttled');
  });

  it.each([
    ['GSM-7', `${'a€'.repeat(80)}b`, 0],
    ['UCS-2', `${'я😀'.repeat(40)}`, 8],
  ])('submits long texts in %s with headers', async (_, text, dataCoding) => {
    const { carrier, submits } = await begin();
    const result = await carrier.send(aSubmission({ text }));
    expect(result).toMatchObject({ kind: 'accepted', partIds: ['00a1', '00a2'] });
    expect(submits.every((pdu) => pdu['data_coding'] === dataCoding)).toBe(true);
    expect(submits.map((pdu) => messageOf(pdu)?.message).join('')).toBe(text);
    expect(submits.map((pdu) => messageOf(pdu)?.udh?.[0]?.at(-1))).toEqual([1, 2]);
  });

  it('submits long texts with SAR parameters', async () => {
    const { carrier, submits } = await begin({ longMessages: 'sar' });
    await carrier.send(aSubmission({ text: 'a'.repeat(161) }));
    expect(submits.map((pdu) => messageOf(pdu)?.message).join('')).toBe('a'.repeat(161));
    expect(submits.map((pdu) => [pdu['sar_segment_seqnum'], pdu['sar_total_segments']])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(submits[0]?.['sar_msg_ref_num']).toBe(submits[1]?.['sar_msg_ref_num']);
  });

  it('submits long texts whole', async () => {
    const { carrier, submits } = await begin({ longMessages: 'payload' });
    expect(await carrier.send(aSubmission({ text: 'é'.repeat(1_000) }))).toEqual({
      kind: 'accepted',
      providerId: '00a1',
    });
    expect(submits[0]?.['message_payload']).toEqual({ message: 'é'.repeat(1_000) });
  });

  it('takes receipts in text and in parameters, and answers them', async () => {
    const { carrier, sessions, receipts } = await begin();
    const result = await carrier.send(aSubmission());
    const id = result.kind === 'accepted' ? result.providerId : '';
    const answers: PDU[] = [];
    sessions[0]?.deliver_sm(
      {
        esm_class: 4,
        short_message: `id:${Number.parseInt(id, 16)} sub:001 dlvrd:001 submit date:2601010101 done date:2601010102 stat:DELIVRD err:000 text:Hello`,
      },
      (pdu) => void answers.push(pdu),
    );
    sessions[0]?.deliver_sm(
      { esm_class: 4, receipted_message_id: '00A1', message_state: 8 },
      (pdu) => void answers.push(pdu),
    );
    await until(() => answers.length === 2);
    expect(answers.map((pdu) => [pdu.command, pdu.command_status])).toEqual([
      ['deliver_sm_resp', 0],
      ['deliver_sm_resp', 0],
    ]);
    expect(
      receipts.map((each) => [each.status, each.providerIds?.includes(foldProviderId(id))]),
    ).toEqual([
      ['DELIVERED', true],
      ['UNDELIVERED', true],
    ]);
  });

  it('takes messages, short and in parts', async () => {
    const { carrier, sessions, messages } = await begin();
    await until(() => carrier.state?.().connected === 1);
    const from = { source_addr_ton: 1, source_addr: '4917012345', destination_addr: '12345' };
    sessions[0]?.deliver_sm({ ...from, data_coding: 0, short_message: 'STOP [now]' });
    for (const number of [1, 2])
      sessions[0]?.deliver_sm({
        ...from,
        data_coding: 8,
        short_message: { udh: Buffer.from([5, 0, 3, 1, 2, number]), message: `Часть ${number} ` },
      });
    await until(() => messages.length === 2);
    expect(messages.map(({ from: who, to, text }) => [who, to, text])).toEqual([
      ['+4917012345', '12345', 'STOP [now]'],
      ['+4917012345', '12345', 'Часть 1 Часть 2 '],
    ]);
  });
});
