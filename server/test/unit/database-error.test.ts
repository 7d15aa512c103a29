/**
 * The meaning of each failure of PostgreSQL, by the errors of its client: a bug in a statement, or an unavailable
 * database.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { constants } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DatabaseUnavailable, isAnswer, translate } from '../../src/store/database-error.ts';
import { openDatabase } from '../../src/store/database.ts';

function answered(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('so it is', 0, 'error'), { code, severity: 'ERROR' });
}

const failed = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

/** PostgreSQL, appendix A: of each class that a client may meet, what it is met with. */
const BUGS = [
  '21000',
  '22003',
  '22021',
  '22P02',
  '23502',
  '23503',
  '23505',
  '23514',
  '42601',
  '42703',
  '42P01',
  '42501',
  'P0001',
];
const AWAY = {
  forAsLongAsItTakes: [
    '08000',
    '08006',
    '08P01',
    '28000',
    '28P01',
    '3D000',
    '40001',
    '40P01',
    '53000',
    '53100',
    '53200',
    '53300',
    '53400',
    '55000',
    '55P03',
    '57P01',
    '57P02',
    '57P03',
    '57P04',
    '58000',
    '58030',
    '58P01',
    'F0001',
    '25006',
  ],
  ofTheStatement: [
    '57014',
    '25P02',
    '25P03',
    '54000',
    '0A000',
    '26000',
    '34000',
    'XX000',
    'XX001',
    'XX002',
  ],
};
const SYSTEM = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'EACCES',
  'ENOBUFS',
  'EPROTO',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_SOCKET_CLOSED',
  'EAI_FAIL',
  'EAI_MEMORY',
  'EAI_NODATA',
  'ESERVFAIL',
  'EREFUSED',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_NOT_YET_VALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
];
/** What the client of PostgreSQL says without a code. */
const WORDS = [
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Cannot use a pool after calling end on the pool',
  'The server does not support SSL connections',
  'Received unexpected rowDescription message from backend.',
];

describe('a thrown error', () => {
  it.each(BUGS)('is a bug where PostgreSQL says %s', (code) => {
    const error = answered(code);
    expect(translate(error)).toBe(error);
  });

  it.each(AWAY.forAsLongAsItTakes)('means away where PostgreSQL says %s', (code) => {
    expect(translate(answered(code))).toMatchObject({
      name: 'DatabaseUnavailable',
      code,
      isOfStatement: false,
    });
  });

  it.each(AWAY.ofTheStatement)('means away, unless it repeats, where it says %s', (code) => {
    expect(translate(answered(code))).toMatchObject({ code, isOfStatement: true });
  });

  it.each(SYSTEM)('means away where the system says %s', (code) => {
    expect(translate(failed(code))).toMatchObject({
      name: 'DatabaseUnavailable',
      code,
      isOfStatement: false,
    });
  });

  it('means away whatever the system says', () => {
    for (const code of Object.keys(constants.errno))
      expect(translate(failed(code))).toMatchObject({ code, isOfStatement: false });
  });

  it.each(['ERR_STRING_TOO_LONG', 'ERR_ASSERTION'])('is a bug where Node.js says %s', (code) => {
    const error = failed(code);
    expect(translate(error)).toBe(error);
  });

  it.each(WORDS)('means away where the client says "%s"', (words) => {
    expect(translate(new Error(words))).toMatchObject({
      name: 'DatabaseUnavailable',
      message: words,
      isOfStatement: false,
    });
  });

  it.each([TypeError, RangeError, ReferenceError, SyntaxError])(
    'is a bug where it is a %o',
    (Kind) => {
      const error = new Kind('undefined is not a function');
      expect(translate(error)).toBe(error);
    },
  );

  it('is an answer, after which the connection can be used, where PostgreSQL said so', () => {
    expect(isAnswer(answered('57014'))).toBe(true);
    expect(isAnswer(Object.assign(answered('57P01'), { severity: 'FATAL' }))).toBe(false);
    for (const each of [failed('ECONNRESET'), new Error('Query read timeout'), new TypeError()])
      expect(isAnswer(each)).toBe(false);
  });

  it('says a code where there are no words', () => {
    const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(translate(refused)).toMatchObject({ message: 'ECONNREFUSED' });
  });
});

/** A far side that answers a start with a FATAL error, as PostgreSQL does, or in any other way. */
async function serve(take: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => take(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  return `postgres://nobody:nothing@127.0.0.1:${(server.address() as AddressInfo).port}/none`;
}

function fatal(code: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0Mno\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

async function ask(url: string): Promise<unknown> {
  const database = openDatabase({ url, connectionsMax: 1, name: 'test' });
  const error = await database.query('select 1').catch((reason: unknown) => reason);
  await database.close();
  return error;
}

describe('a database that cannot be connected to', () => {
  it.each(['28000', '28P01', '3D000', '53300', '57P01', '57P02', '57P03', '08P01', 'XX000'])(
    'is away when it says FATAL %s',
    async (code) => {
      const error = await ask(await serve((socket) => socket.end(fatal(code))));
      expect(error).toMatchObject({ name: 'DatabaseUnavailable', code });
    },
  );

  it.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('is away when it %s', async (_, take) => {
    expect(await ask(await serve(take))).toBeInstanceOf(DatabaseUnavailable);
  });

  it.each([
    ['a port where nobody listens', 'postgres://nobody@127.0.0.1:1/none'],
    ['a name that nobody has', 'postgres://nobody@nowhere.invalid/none'],
    ['a socket that is not there', 'postgres://nobody@/none?host=/nowhere'],
  ])('is away at %s', async (_, url) => {
    expect(await ask(url)).toBeInstanceOf(DatabaseUnavailable);
  });

  it('is unavailable if TLS was requested and is not supported', async () => {
    const url = `${await serve((socket) => socket.end('N'))}?sslmode=require`;
    expect(await ask(url)).toBeInstanceOf(DatabaseUnavailable);
  });

  it.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('is away when it %s in the middle of a COPY', async (_, take) => {
    const welcome = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1');
    const begun = Buffer.from('C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T', 'latin1');
    const copying = Buffer.from('G\0\0\0\x07\0\0\0', 'latin1');
    const url = await serve((socket) => {
      const answers = [begun, copying];
      socket.write(welcome);
      socket.on('data', () => {
        const answer = answers.shift();
        if (answer === undefined) take(socket);
        else socket.write(answer);
      });
    });
    const database = openDatabase({ url, connectionsMax: 1, name: 'test' });
    const rows = Array.from({ length: 50 }, () => Buffer.alloc(1_000, 'a'));
    const copied = database.transact((client) =>
      pipeline(Readable.from(rows), client.query(copyFrom('copy message from stdin'))).catch(
        (error: unknown) => {
          throw translate(error);
        },
      ),
    );
    await expect(copied).rejects.toBeInstanceOf(DatabaseUnavailable);
    await database.close();
  });

  it('is unavailable if it never answers', async () => {
    expect(await ask(await serve(() => undefined))).toMatchObject({
      name: 'DatabaseUnavailable',
      message: expect.stringMatching(/timeout/),
    });
  });

  it('is not unavailable if our own thread is late', async () => {
    const welcome = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1');
    const url = await serve((socket) => {
      socket.write(welcome);
      socket.once('data', () => socket.end(fatal('57P01')));
    });
    const database = openDatabase({ url, connectionsMax: 1, name: 'test', connectTimeoutMs: 500 });
    const asked = database.query('select 1').catch((error: unknown) => error);
    const until = performance.now() + 700;
    while (performance.now() < until);
    // In, and thrown out again by the first statement.
    expect(await asked).toMatchObject({ code: '57P01' });
    await database.close();
  });

  it('does no harm if it accepts a connection and closes it at once', async () => {
    const welcome = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1');
    const url = await serve((socket) => socket.end(Buffer.concat([welcome, fatal('57P01')])));
    expect(await ask(url)).toBeInstanceOf(DatabaseUnavailable);
    const database = openDatabase({ url, connectionsMax: 1, name: 'test' });
    const client = await database.connect();
    await expect(client.query('select 1')).rejects.toThrow('not queryable');
    await database.close();
  });
});
