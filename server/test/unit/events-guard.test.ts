/** The guard of addresses: public addresses, exceptions of the allow-list, and connections that respect both. */
import { createServer, type AddressInfo, BlockList, isIPv6 } from 'node:net';
import type { LookupAddress } from 'node:dns';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createAddressGuard,
  findAllowTargetProblem,
  isPublicAddress,
  type Resolve,
} from '../../src/net/address-guard.ts';
import { createGuardedConnector } from '../../src/net/guarded-connector.ts';
import { until } from '../support/until.ts';
import { runs } from '../support/runs.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** What the table of IANA says is not for the internet, read a second time. */
const CLOSED_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [start = '', bits] = range.split('/');
    list.addSubnet(start, Number(bits), isIPv6(start) ? 'ipv6' : 'ipv4');
  }
  return list;
}

const dotted = (value: number) =>
  [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
const hex = (value: number) => `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;

/** Numbers over the whole range, and many at the ends of what is closed. */
const ipv4 = fc.oneof(
  fc.nat(0xffff_ffff),
  fc
    .tuple(fc.constantFrom(...CLOSED_IPV4), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([range, step, atEnd]) => {
      const [start = '', bits] = range.split('/');
      const first = start.split('.').reduce((sum, each) => sum * 256 + Number(each), 0);
      const edge = atEnd ? first + 2 ** (32 - Number(bits)) : first;
      return Math.min(0xffff_ffff, Math.max(0, edge + step));
    }),
);

describe('public addresses', () => {
  it.each([
    ['8.8.8.8', true],
    ['1.1.1.1', true],
    ['93.184.216.34', true],
    ['100.63.255.255', true],
    ['100.128.0.0', true],
    ['172.15.255.255', true],
    ['172.32.0.0', true],
    ['192.167.255.255', true],
    ['223.255.255.255', true],
    ['2606:4700:4700::1111', true],
    ['2a00:1450:4001:82a::200e', true],
    ['::ffff:8.8.8.8', true],
    ['64:ff9b::8.8.8.8', true],
    ['0.0.0.0', false],
    ['0.1.2.3', false],
    ['10.0.0.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['127.255.255.254', false],
    ['169.254.169.254', false],
    ['172.16.0.1', false],
    ['192.0.0.170', false],
    ['192.168.1.1', false],
    ['198.19.255.255', false],
    ['224.0.0.1', false],
    ['239.255.255.250', false],
    ['240.0.0.1', false],
    ['255.255.255.255', false],
    ['::', false],
    ['::1', false],
    ['::127.0.0.1', false],
    ['::8.8.8.8', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['::ffff:169.254.169.254', false],
    ['::ffff:0:127.0.0.1', false],
    ['::ffff:0:8.8.8.8', false],
    ['64:ff9b::127.0.0.1', false],
    ['64:ff9b::a9fe:a9fe', false],
    ['64:ff9b:1::8.8.8.8', false],
    ['64:ff9b:1:7f00:0:100::', false],
    ['100::1', false],
    ['2001::1', false],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', false],
    ['2001:2::1', false],
    ['2001:10::1', false],
    ['2001:20::1', false],
    ['2001:db8::1', false],
    ['2002:0808:0808::1', false],
    ['2002:7f00:1::', false],
    ['3fff::1', false],
    ['4000::1', false],
    ['5f00::1', false],
    ['fc00::1', false],
    ['fd00:ec2::254', false],
    ['fe80::1', false],
    ['fe80::1%eth0', false],
    ['fec0::1', false],
    ['ff02::1', false],
    ['', false],
    ['example.com', false],
    ['127.1', false],
    ['2130706433', false],
    ['0177.0.0.1', false],
    ['0x7f.0.0.1', false],
    ['8.8.8.8 ', false],
    ['[::1]', false],
  ])('%s: %s', (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic);
  });

  it('are in IPv4 all that the table of IANA does not list', { tags: ['property'] }, () => {
    const closed = blockList(CLOSED_IPV4);
    fc.assert(
      fc.property(ipv4, (value) => {
        expect(isPublicAddress(dotted(value))).toBe(!closed.check(dotted(value)));
      }),
      { numRuns: runs(300, 2_000) },
    );
  });

  it('are in IPv6 global unicast only, and embedded IPv4 addresses are checked as IPv4', () => {
    const global = blockList(['2000::/3']);
    const group = fc.nat(0xffff).map((each) => each.toString(16));
    const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((all) => all.join(':'));
    fc.assert(
      fc.property(ipv6, ipv4, (address, value) => {
        if (isPublicAddress(address)) expect(global.check(address, 'ipv6')).toBe(true);
        const isPublic = isPublicAddress(dotted(value));
        expect(isPublicAddress(`::ffff:${hex(value)}`)).toBe(isPublic);
        expect(isPublicAddress(`64:ff9b::${hex(value)}`)).toBe(isPublic);
        expect(isPublicAddress(`::ffff:${dotted(value)}`)).toBe(isPublic);
        for (const tunnel of [`::${hex(value)}`, `::${dotted(value)}`, `2002:${hex(value)}::1`])
          expect(isPublicAddress(tunnel)).toBe(false);
      }),
    );
  });
});

describe('a URL that events shall go to', () => {
  const { findTargetProblem } = createAddressGuard([]);

  it.each([
    'https://example.com',
    'https://example.com/hooks?a=b&c=%20',
    'http://example.com:8080/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]:8443/',
    'https://intranet/hooks',
    'https://xn--mnchen-3ya.example/',
    'https://localhost.example/',
    'https://bodySHA256.example/bodySHA256',
  ])('may be %s', (url) => {
    expect(findTargetProblem(url)).toBeNull();
  });

  it.each([
    ['', 'not an absolute URL'],
    ['example.com', 'not an absolute URL'],
    ['ftp://example.com/', 'not an absolute URL'],
    ['file:///etc/passwd', 'not an absolute URL'],
    ['javascript:alert(1)', 'not an absolute URL'],
    ['https:example.com', 'not an absolute URL'],
    ['https://example.com:99999/', 'not an absolute URL'],
    ['https://user@example.com/', 'user name'],
    ['https://user:secret@example.com/', 'user name'],
    ['https://exa mple.com/', 'percent-encode'],
    ['https://example.com\\@127.0.0.1/', 'percent-encode'],
    ['https://example.com/\r\nx: y', 'percent-encode'],
    [`https://example.com/${'a'.repeat(2_048)}`, 'at most 2048'],
    ['https://example.com/#', 'fragment'],
    ['https://example.com/#part', 'fragment'],
    ['https://example.com/?bodySHA256=00', 'bodySHA256'],
    ['https://example.com/?a=b&body%53HA256=00', 'bodySHA256'],
    ['http://127.0.0.1/', '"127.0.0.1" added to the setting events.allowTargets'],
    ['http://2130706433/', '"127.0.0.1"'],
    ['http://0x7f.1/', '"127.0.0.1"'],
    ['http://0x7f000001/', '"127.0.0.1"'],
    ['http://0177.0.0.1/', '"127.0.0.1"'],
    ['http://127.1:8080/', '"127.0.0.1"'],
    ['http://127.0.0.1./', '"127.0.0.1"'],
    ['http://①②⑦.0.0.1/', '"127.0.0.1"'],
    ['http://127。0。0。1/', '"127.0.0.1"'],
    ['http://%31%32%37.0.0.1/', '"127.0.0.1"'],
    ['http://0/', '"0.0.0.0"'],
    ['http://169.254.169.254/latest/meta-data/', '"169.254.169.254"'],
    ['http://[::1]/', '"::1"'],
    ['http://[::]/', '"::"'],
    ['http://[::ffff:7f00:1]/', '"::ffff:7f00:1"'],
    ['http://[::ffff:127.0.0.1]/', '"::ffff:7f00:1"'],
    ['http://[64:ff9b::7f00:1]/', '"64:ff9b::7f00:1"'],
    ['http://[0:0:0:0:0:0:0:1]/', '"::1"'],
    ['http://localhost:3000/', '"localhost"'],
    ['http://LOCALHOST./', '"localhost."'],
    ['http://a.localhost/', '"a.localhost"'],
  ])('may not be %s', (url, words) => {
    expect(findTargetProblem(url)).toContain(words);
  });

  it('is judged by its address, however that is written', () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        const parts = dotted(value).split('.').map(Number);
        const denied = !isPublicAddress(dotted(value));
        for (const host of [
          dotted(value),
          String(value),
          `0x${value.toString(16)}`,
          `0${value.toString(8)}`,
          parts.map((each) => `0${each.toString(8)}`).join('.'),
          `${parts[0]}.${value & 0xff_ffff}`,
          `[::ffff:${hex(value)}]`,
        ])
          expect([host, findTargetProblem(`https://${host}/`) !== null]).toEqual([host, denied]);
      }),
    );
  });
});

describe('the allow-list', () => {
  it.each([
    '10.1.2.3',
    '127.0.0.0/8',
    '10.1.2.3/8',
    '0.0.0.0/0',
    '::1',
    '[::1]',
    'fd00::/8',
    '::/0',
    'localhost',
    'hooks.internal',
    'hooks.internal.',
    'Hooks.Internal',
    '*.internal',
    'my_service',
    'münchen.example',
  ])('takes %s', (entry) => {
    expect(findAllowTargetProblem(entry)).toBeNull();
    expect(() => createAddressGuard([entry])).not.toThrow();
  });

  it.each([
    '',
    '*',
    '*.',
    '*.*.internal',
    'hooks.*',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '::/129',
    '10.0.0.1-10.0.0.9',
    'http://hooks.internal',
    'hooks.internal:8080',
    'hooks.internal/',
    'a b',
    '*.10.0.0.1',
  ])('does not take %j', (entry) => {
    expect(findAllowTargetProblem(entry)).toContain(`"${entry}" is no address`);
    expect(() => createAddressGuard([entry])).toThrow('is no address');
  });

  const guard = createAddressGuard([
    '127.0.0.0/8',
    '10.1.2.3',
    'fd00:1::/32',
    'Hooks.Internal',
    '*.svc.local',
    'münchen.example',
  ]);

  it.each([
    ['a.example', '8.8.8.8', true],
    ['a.example', '127.9.9.9', true],
    ['a.example', '::ffff:127.9.9.9', true],
    ['a.example', '64:ff9b::7f09:909', true],
    ['a.example', '10.1.2.3', true],
    ['a.example', 'fd00:1::9', true],
    ['a.example', '10.1.2.4', false],
    ['a.example', 'fd00:2::9', false],
    ['a.example', '::1', false],
    ['hooks.internal', '192.168.0.1', true],
    ['HOOKS.internal.', '192.168.0.1', true],
    ['x.hooks.internal', '192.168.0.1', false],
    ['xhooks.internal', '192.168.0.1', false],
    ['a.svc.local', '192.168.0.1', true],
    ['a.b.svc.local', '192.168.0.1', true],
    ['svc.local', '192.168.0.1', false],
    ['asvc.local', '192.168.0.1', false],
    ['a.svc.local.example', '192.168.0.1', false],
    ['xn--mnchen-3ya.example', '192.168.0.1', true],
  ])('%s at %s: %s', (host, address, may) => {
    expect(guard.mayConnect(host, address)).toBe(may);
  });

  it('counts for URLs', () => {
    const ofUrl = (entries: string[], url: string) =>
      createAddressGuard(entries).findTargetProblem(url);
    expect(ofUrl(['127.0.0.0/8'], 'http://2130706433:80/')).toBeNull();
    expect(ofUrl(['127.0.0.0/8'], 'http://localhost/')).toBeNull();
    expect(ofUrl(['::1'], 'http://localhost/')).toBeNull();
    expect(ofUrl(['localhost'], 'http://localhost/')).toBeNull();
    expect(ofUrl(['localhost'], 'http://127.0.0.1/')).toContain('events.allowTargets');
    expect(ofUrl(['10.0.0.0/8'], 'http://localhost/')).toContain('events.allowTargets');
  });
});

/** A resolver that gives these answers, one after the other. */
function resolver(...answers: readonly string[][]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve(host, _, callback) {
      const answer = answers[asked.push(host) - 1] ?? [];
      const addresses = answer.map((address): LookupAddress => {
        return { address, family: isIPv6(address) ? 6 : 4 };
      });
      setImmediate(() => callback(null, addresses));
    },
  };
}

describe('a lookup', () => {
  const ask = (allow: string[], answer: string[], all: boolean) =>
    new Promise<unknown>((resolve) => {
      createAddressGuard(allow, resolver(answer).resolve).lookup(
        'a.example',
        { all },
        (error, address) => resolve(error?.message ?? address),
      );
    });
  const mixed = ['10.0.0.1', '8.8.8.8', '::1', '2606:4700:4700::1111', '169.254.169.254'];

  it('gives only the addresses that pass', async () => {
    expect(await ask([], mixed, true)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ]);
    expect(await ask([], mixed, false)).toBe('8.8.8.8');
    expect(await ask(['::1'], mixed, true)).toHaveLength(3);
    expect(await ask(['a.example'], mixed, true)).toHaveLength(5);
  });

  it('fails when none is left, and reveals no address', async () => {
    for (const answer of [['10.0.0.1', '::1'], []])
      expect(await ask([], answer, true)).toBe(
        'a.example leads to no public address. Use a public host, or have "a.example" added to the setting events.allowTargets.',
      );
  });

  it('fails as the resolver does', async () => {
    const { lookup } = createAddressGuard(['a.example'], (_host, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), []),
    );
    const code = await new Promise((resolve) => {
      lookup('a.example', { all: true }, (error) => resolve(error?.code));
    });
    expect(code).toBe('ENOTFOUND');
  });
});

describe('a connection', () => {
  /** A port of 127.0.0.1 that counts who comes. */
  async function listen(): Promise<{ port: string; arrivals: () => number }> {
    let arrivals = 0;
    const server = createServer((socket) => {
      arrivals += 1;
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    return { port: String((server.address() as AddressInfo).port), arrivals: () => arrivals };
  }

  function connector(allow: string[], resolve: Resolve, timeoutMs = 5_000) {
    const made = createGuardedConnector(createAddressGuard(allow, resolve), {
      timeoutMs,
      onClosed: () => undefined,
    });
    closing.push(() => made.destroy());
    const to = (hostname: string, port: string) =>
      new Promise<string>((settle) => {
        made.connect({ hostname, host: hostname, protocol: 'http:', port }, (error, socket) =>
          settle(error?.message ?? String(socket?.remoteAddress)),
        );
      });
    return { made, to };
  }

  it('is not made to a denied literal address, and without a look-up', async () => {
    const { port, arrivals } = await listen();
    const { resolve, asked } = resolver();
    const { made, to } = connector([], resolve);
    for (const host of ['127.0.0.1', '::ffff:7f00:1', '::ffff:127.0.0.1', '0.0.0.0', '::'])
      expect(await to(host, port)).toContain(`"${host}" added to the setting events.allowTargets`);
    expect([arrivals(), asked.length, made.openSockets]).toEqual([0, 0, 0]);
  });

  it('is not made to a name whose addresses are all denied', async () => {
    const { port, arrivals } = await listen();
    const { resolve } = resolver(['127.0.0.1', '::1', '::ffff:7f00:1']);
    const { made, to } = connector([], resolve);
    expect(await to('inside.example', port)).toContain('leads to no public address');
    expect(arrivals()).toBe(0);
    await until(() => made.openSockets === 0);
  });

  it('goes to the address that passes among those that do not', async () => {
    const { port, arrivals } = await listen();
    const { resolve, asked } = resolver(['10.255.255.1', '169.254.169.254', '127.0.0.1', '::1']);
    const { made, to } = connector(['127.0.0.1'], resolve);
    expect(await to('mixed.example', port)).toBe('127.0.0.1');
    await until(() => arrivals() === 1);
    expect([asked.length, made.openSockets, made.isPublic]).toEqual([1, 1, false]);
    made.destroy();
    await until(() => made.openSockets === 0);
  });

  it('is judged by the answer it is made with, when the name leads elsewhere by then', async () => {
    const { port, arrivals } = await listen();
    const { resolve, asked } = resolver(['127.0.0.1'], ['10.255.255.1'], ['::1'], ['127.0.0.1']);
    const { to } = connector(['127.0.0.1'], resolve);
    expect(await to('rebind.example', port)).toBe('127.0.0.1');
    expect(await to('rebind.example', port)).toContain('leads to no public address');
    expect(await to('rebind.example', port)).toContain('leads to no public address');
    expect(await to('rebind.example', port)).toBe('127.0.0.1');
    await until(() => arrivals() === 2);
    // Not once more between the check and the connection.
    expect(asked).toHaveLength(4);
  });

  it('may go where a listed name leads', async () => {
    const { port } = await listen();
    const { resolve } = resolver(['127.0.0.1'], ['127.0.0.1']);
    const { to } = connector(['*.internal'], resolve);
    expect(await to('hooks.internal', port)).toBe('127.0.0.1');
    expect(await to('hooks.example', port)).toContain('leads to no public address');
  });

  it('is left alone when the resolver says nothing', async () => {
    const { made } = connector([], () => undefined);
    made.connect({ hostname: 'silent.example', protocol: 'http:', port: '80' }, () => undefined);
    expect(made.openSockets).toBe(1);
    made.destroy();
    await until(() => made.openSockets === 0);
  });
});
