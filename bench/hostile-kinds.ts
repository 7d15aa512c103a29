/** Kinds of misbehaviour of an account, accidental or deliberate: each is one request, repeated. */
import { body, laterBody } from './measure.ts';

export interface Hostile {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: Buffer | null;
  /** Read to its end, not read at all, or with a body that does not end. */
  readonly how: 'read' | 'unread' | 'slow body';
}

const post = (text: Buffer, path = '/v1/Messages'): Hostile => ({
  method: 'POST',
  path,
  body: text,
  how: 'read',
});

const LOOP = '{% for i in (1..600) %}{% endfor %}{{ n }}';
const few = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    address: `+1500556${String(i).padStart(4, '0')}`,
    channel: 'PHONE',
    variables: { n: `${i}` },
  }));

/** Made on demand: some are ten megabytes. `poolId` is a pool of a thousand senders. */
export const HOSTILE_KINDS = {
  'heavy templates': () =>
    post(Buffer.from(JSON.stringify({ to: few(1_300), content: { text: LOOP }, dryRun: true }))),
  'giant variables': () =>
    post(
      Buffer.from(
        JSON.stringify({
          to: [
            {
              address: '+15005560001',
              channel: 'PHONE',
              variables: Object.fromEntries(
                Array.from({ length: 650_000 }, (_, i) => [`v${i}`, '1']),
              ),
            },
          ],
          content: { text: 'Hello' },
        }),
      ),
    ),
  'dry runs of 10,000': () => post(body({ dryRun: true })),
  'sends of 10,000': () => post(laterBody()),
  'large pools': (poolId) => post(body({ from: { senderPoolId: poolId }, dryRun: true })),
  'not JSON': () => post(Buffer.alloc(9_000_000, '[')),
  'slow bodies': () => ({ method: 'POST', path: '/v1/Messages', body: null, how: 'slow body' }),
  'unread streams': () => ({ method: 'GET', path: '/v1/Stream', body: null, how: 'unread' }),
  'searches that find nothing': () =>
    post(Buffer.from(JSON.stringify({ address: '+15005559999' })), '/v1/Messages/Search'),
} satisfies Record<string, (poolId: string) => Hostile>;

export type HostileKind = keyof typeof HOSTILE_KINDS;
