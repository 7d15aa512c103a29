/** Counts of failed sign-ins: by network and SID, by network, within bounds of memory. */
import { expect, it } from 'vitest';
import { createFailedSignIns, networkOf } from '../../src/http/edge/failed-sign-ins.ts';

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['2001:db8:1:2::1', '20010db800010002'],
  ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '20010db800010002'],
  ['2001:db8:1:3::1', '20010db800010003'],
  ['fe80::1%eth0', 'fe80000000000000'],
  ['unknown', null],
  ['', null],
  ['192.0.2.1:80', null],
])('takes %s for one of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

it('says for how long the limit holds, to one SID and to all of a network', () => {
  const failedSignIns = createFailedSignIns(2);
  const waits = (sid: string | null, network = 'a') => failedSignIns.count(network, sid);
  expect([waits('x'), waits('x'), waits('y')]).toEqual([0, 0, 0]);
  expect(waits('x')).toBeGreaterThan(55);
  expect(waits('x')).toBeLessThanOrEqual(60);
  expect([waits('y'), waits('x', 'b')]).toEqual([0, 0]);
  for (let i = 0; i < 14; i += 1) expect(waits(`z${i}`)).toBe(0);
  expect(waits('new')).toBeGreaterThan(55);
});

it('forgets the oldest first, so one network with many SIDs displaces no other', () => {
  const failedSignIns = createFailedSignIns(1);
  const held = () => failedSignIns.count('held', 'x') > 0;
  held();
  for (let i = 0; i < 50_000; i += 1) failedSignIns.count('flood', `${i}`);
  expect(held()).toBe(true);
  for (let i = 0; i < 25_000; i += 1) failedSignIns.count(`network ${i}`, 'x');
  expect(held()).toBe(false);
});
