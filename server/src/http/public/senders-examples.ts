/** Examples of senders and sender pools. */
import {
  CREATED,
  example,
  IDS,
  ORIGIN,
  page,
  reference,
  TIMES,
  type OperationExamples,
} from './example-parts.ts';

const sender = {
  id: IDS.sender,
  displayName: 'Shop',
  address: '+15005550199',
  channel: 'SMS',
  status: 'ACTIVATED',
  tags: { country: 'us' },
  carrier: 'simulator',
  default: false,
  throughput: 30,
  throughputUnit: 'SEGMENTS',
  dailyCap: null,
  quietHours: { start: '21:00', end: '08:00' },
  configured: false,
  ...TIMES,
};
const pool = { id: IDS.senderPool, name: 'Shops', tags: { country: 'us' }, ...TIMES };
const operation = {
  id: IDS.operation,
  status: 'COMPLETED',
  stats: { total: 1, queued: 0, created: 1, failed: 0 },
  createdAt: CREATED,
  updatedAt: CREATED,
};
const changed = {
  resourceId: IDS.senderPool,
  resourceLocation: `${ORIGIN}/v1/SenderPools/${IDS.senderPool}`,
};
const accepted = reference('SenderPools/Operations');

/** Of senders and pools, by operationId. */
export const SENDER_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  listSenders: example(200, page('senders', sender)),
  createSender: example(201, sender, {
    address: '+15005550199',
    channel: 'SMS',
    displayName: 'Shop',
    tags: { country: 'us' },
    throughput: 30,
    quietHours: { start: '21:00', end: '08:00' },
  }),
  searchSenders: example(200, page('senders', sender), {
    address: '+15005550199',
    channel: 'SMS',
  }),
  resolveSenders: example(
    200,
    {
      results: [
        {
          from: {
            senderId: IDS.sender,
            displayName: 'Shop',
            channel: 'SMS',
            address: '+15005550199',
          },
          to: { address: '+15005550001', channel: 'PHONE' },
          priority: 0,
        },
      ],
    },
    { recipientAddresses: [{ address: '+15005550001', channel: 'PHONE' }] },
  ),
  fetchSender: example(200, sender),
  updateSender: example(200, { ...sender, dailyCap: 10_000 }, { dailyCap: 10_000 }),
  listSenderPools: example(200, page('senderPools', pool)),
  createSenderPool: example(202, accepted, {
    name: 'Shops',
    senders: [{ senderId: IDS.sender }],
    tags: { country: 'us' },
  }),
  listSenderPoolOperations: example(200, page('operations', operation)),
  fetchSenderPoolOperation: example(200, operation),
  fetchSenderPool: example(200, pool),
  updateSenderPool: example(202, changed, { name: 'Shops in the US' }),
  deleteSenderPool: example(202, changed),
  listSenderPoolSenders: example(200, page('senders', sender)),
  addSenderPoolSenders: example(202, accepted, [{ senderId: IDS.sender }]),
  removeSenderPoolSender: example(202, changed),
};
