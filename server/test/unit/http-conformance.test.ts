/** The HTTP carrier as every carrier: against a provider that speaks the classic protocol, signed calls back included. */
import { createHmac } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Carrier, ReceiptSink } from '../../src/carriers/carrier.ts';
import { createHttpCarrier } from '../../src/carriers/http/http-carrier.ts';
import { describeClassic } from '../../src/carriers/http/preset-classic.ts';
import { createReceiptParser } from '../../src/carriers/http/receipt-parser.ts';
import { describeCarrier, type Act, type FarSide } from '../support/carrier-conformance.ts';

const AUTH_TOKEN = 'the-provider-signs-with-this';
const RECEIPTS_URL = 'https://fanfare.example/carriers/web/receipts';

/** What the provider knows of a message. */
interface Taken {
  readonly callback: string;
  readonly sid: string;
}

async function startFarSide(): Promise<
  FarSide & { readonly baseUrl: string; onCall: (url: string, form: URLSearchParams) => void }
> {
  const plan: Act[] = [];
  const submissions: { to: string; text: string; act: Act }[] = [];
  const taken: Taken[] = [];
  const held: (() => void)[] = [];
  let open = 0;
  let concurrentMax = 0;

  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const act = plan.shift() ?? 'accept';
      submissions.push({ to: form.get('To') ?? '', text: form.get('Body') ?? '', act });
      const sid = `SM${String(submissions.length).padStart(32, '0')}`;
      taken.push({ callback: form.get('StatusCallback') ?? '', sid });
      open += 1;
      concurrentMax = Math.max(concurrentMax, open);
      perform(act, response, sid);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function perform(act: Act, response: ServerResponse, sid: string): void {
    const answer = (status: number, body: object) => {
      open -= 1;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const accept = () => answer(201, { sid, status: 'queued' });
    const { socket } = response;
    switch (act) {
      case 'accept':
        setImmediate(accept);
        return;
      case 'refuse':
        answer(400, { code: 21211, message: "Invalid 'To' Phone Number" });
        return;
      case 'throttle':
        answer(429, { code: 20429, message: 'Too Many Requests' });
        return;
      case 'drop-before-answer':
        open -= 1;
        socket?.destroy();
        return;
      case 'drop-after-answer':
        accept();
        response.on('finish', () => socket?.end());
        return;
      case 'late':
        held.push(accept);
        return;
      case 'silent':
        return;
      case 'answer-twice':
        accept();
        response.on('finish', () =>
          socket?.write('HTTP/1.1 201 Created\r\ncontent-length: 13\r\n\r\n{"sid":"SM0"}'),
        );
        return;
      case 'receipt-first':
        far.receipt(taken.length - 1, 'DELIVERED');
        accept();
        return;
      case 'garbage':
        open -= 1;
        socket?.write('\u0000\u0001 this is not HTTP\r\n\r\n');
        socket?.end();
        return;
    }
  }

  const far = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onCall: (_url: string, _form: URLSearchParams): void => undefined,
    submissions,
    get concurrentMax() {
      return concurrentMax;
    },
    plan: (...acts: Act[]) => void plan.push(...acts),
    release() {
      for (const answer of held.splice(0)) answer();
    },
    receipt(index: number, status: 'DELIVERED' | 'UNDELIVERED') {
      const { callback, sid } = taken[index] ?? { callback: '', sid: '' };
      const form = new URLSearchParams({ MessageSid: sid, MessageStatus: status.toLowerCase() });
      if (status === 'UNDELIVERED') form.set('ErrorCode', '30003');
      far.onCall(callback, form);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return far;
}

/** As the receipts route does: what the provider calls is read by its description and handed on. */
function connectCalls(
  far: Awaited<ReturnType<typeof startFarSide>>,
  description: ReturnType<typeof describeClassic>,
  receive: ReceiptSink,
): void {
  const read = createReceiptParser(description);
  far.onCall = (fullUrl, form) => {
    const fields = [...form.keys()]
      .toSorted()
      .map((name) => `${name}${form.get(name)}`)
      .join('');
    const url = new URL(fullUrl);
    const { receipts } = read(
      {
        method: 'POST',
        path: url.pathname,
        fullUrl,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-twilio-signature': createHmac('sha1', AUTH_TOKEN)
            .update(fullUrl + fields)
            .digest('base64'),
        },
        query: Object.fromEntries(url.searchParams),
        rawBody: Buffer.from(form.toString()),
      },
      new Date(),
    );
    void receive(receipts);
  };
}

describeCarrier(
  'HTTP',
  async (answerTimeoutMs) => {
    const far = await startFarSide();
    const description = describeClassic({
      baseUrl: far.baseUrl,
      accountSid: 'AC1',
      apiKey: null,
      authToken: AUTH_TOKEN,
    });
    const http = createHttpCarrier({
      name: 'web',
      channels: ['SMS'],
      ambiguous: 'hold',
      windowMax: 10,
      description,
      limits: {
        connectionsMax: 10,
        connectTimeoutMs: answerTimeoutMs,
        answerTimeoutMs,
        keepAliveMs: 1_000,
      },
      receiptsUrl: RECEIPTS_URL,
    });
    const carrier: Carrier = {
      ...http,
      start(receive) {
        connectCalls(far, description, receive);
        return http.start(receive);
      },
    };
    return { carrier, far };
  },
  // Each throttling is followed by half a second of rest.
  { stormActs: 60 },
);
