/** Parts of the examples for `/openapi.json`. */
import { ERRORS, findError, type ErrorName } from '../../domain/errors.ts';

export interface Example {
  readonly summary: string;
  readonly value: unknown;
}
export interface OperationExamples {
  /** Bodies, by name. */
  readonly requests: Readonly<Record<string, Example>>;
  /** By status, then by name. */
  readonly answers: Readonly<Record<number, Readonly<Record<string, Example>>>>;
}

/** An example of an operation with one answer, and perhaps one body. */
export function example(status: number, answer: unknown, body?: unknown): OperationExamples {
  return {
    requests: body === undefined ? {} : { request: { summary: 'A request', value: body } },
    answers:
      answer === undefined ? {} : { [status]: { answer: { summary: 'An answer', value: answer } } },
  };
}

/** Examples of reading a resource, as it is and erased. */
export const fetchExamples = (whole: unknown, erased: unknown): OperationExamples => ({
  requests: {},
  answers: {
    200: {
      answer: { summary: 'An answer', value: whole },
      erased: { summary: 'After its erasure', value: erased },
    },
  },
});

export const ORIGIN = 'https://fanfare.example.com';
const SUFFIX = '01k9v2m5q8e3t7x0c4n6b1z2';
/** Ids in examples. */
export const IDS = {
  operation: `comms_operation_${SUFFIX}00`,
  message: `comms_message_${SUFFIX}01`,
  inbound: `comms_message_${SUFFIX}02`,
  email: `comms_email_${SUFFIX}03`,
  sender: `comms_sender_${SUFFIX}04`,
  senderPool: `comms_senderpool_${SUFFIX}05`,
  suppression: `comms_suppression_${SUFFIX}06`,
  subscription: `comms_subscription_${SUFFIX}07`,
  delivery: `comms_delivery_${SUFFIX}08`,
  content: 'HX0123456789abcdef0123456789abcdef',
  attempt: 'SM0123456789abcdef0123456789abcdef',
} as const;

export const CREATED = '2026-11-02T09:00:00.000Z';
export const UPDATED = '2026-11-02T09:00:04.000Z';
export const DELETED = '2026-11-03T10:30:00.000Z';
export const TIMES = { createdAt: CREATED, updatedAt: UPDATED };

export const page = (name: string, ...entries: readonly unknown[]) => ({
  [name]: entries,
  pagination: { next: null, self: null },
});
export const related = (resource: 'Messages' | 'Emails') => [
  {
    name: 'OPERATION',
    id: IDS.operation,
    uri: `${ORIGIN}/v1/${resource}/Operations/${IDS.operation}`,
  },
];
/** An error as attempts have it. */
export const errorExample = (name: ErrorName, detail: string) => ({
  code: ERRORS[name].code,
  message: ERRORS[name].message,
  detail,
  infoUrl: `${ORIGIN}/docs/errors#${ERRORS[name].code}`,
});
export const reference = (path: string, id = IDS.operation as string) => ({
  operationId: id,
  operationLocation: `${ORIGIN}/v1/${path}/${id}`,
});

/** Examples of operations of both kinds. `stats` are the counters, `failure` an entry of Errors. */
export function operationExamples(
  name: 'Operation' | 'EmailOperation',
  stats: object,
  error: { readonly code: number },
  failure: object,
): Record<string, OperationExamples> {
  const operation = {
    id: IDS.operation,
    status: 'COMPLETED',
    pausedAt: null,
    ...TIMES,
    revision: 7,
    stats,
  };
  const isEmail = name === 'EmailOperation';
  const details = {
    excerpt: 'Hi {{ name }}, your order ships today.',
    tags: { campaign: 'shipping' },
    scheduledFor: null,
    expireAt: null,
  };
  const detailed = { ...operation, details };
  const open = { ...operation, status: 'PROCESSING' };
  return {
    [`list${name}s`]: example(200, page('operations', operation)),
    [`fetch${name}`]: example(200, detailed),
    [`stream${name}`]: example(
      200,
      `id: 7\nevent: operation\ndata: ${JSON.stringify(operation)}\n\n`,
    ),
    [`list${name}Errors`]: example(
      200,
      page('errors', { ...error, context: '$.to[1]', ...failure }),
    ),
    [`pause${name}`]: example(200, { ...open, pausedAt: UPDATED }),
    [`resume${name}`]: example(200, open),
    [`cancel${name}`]: example(200, { ...operation, status: 'CANCELED' }),
    [`export${name}`]: example(200, exportedLine(isEmail, error.code)),
    [`fetch${name}Report`]: example(200, {
      ...details,
      senders: [
        {
          channel: isEmail ? 'EMAIL' : 'SMS',
          address: isEmail ? 'shop@example.com' : '+15005550100',
          carrier: 'simulator',
          total: 2,
          statuses: [
            { status: 'DELIVERED', count: 1 },
            { status: 'UNDELIVERED', count: 1 },
          ],
        },
      ],
      errors: [
        {
          ...error,
          advice: findError(error.code)?.advice ?? null,
          count: 1,
          examples: [
            isEmail
              ? { messageId: IDS.email, address: 'bounced@example.org' }
              : { messageId: IDS.message, address: '+15005550002' },
          ],
        },
      ],
      stepSeconds: 1,
      buckets: [{ at: CREATED, submitted: 2, settled: 2, latency50: 1.5, latency95: 2.1 }],
    }),
  };
}

/** A line of an export. */
function exportedLine(isEmail: boolean, code: number): string {
  const line = {
    ordinal: 1,
    address: isEmail ? 'bounced@example.org' : '+15005550002',
    channel: isEmail ? 'EMAIL' : 'SMS',
    status: 'UNDELIVERED',
    from: isEmail ? 'shop@example.com' : '+15005550100',
    errorCode: code,
    error: findError(code)?.message,
    attempts: 1,
    attemptedAt: CREATED,
    updatedAt: UPDATED,
    id: isEmail ? IDS.email : IDS.message,
    variables: { name: 'Ada' },
    pageToken: 'AQGRkUB8qnABjgAAAAAAAAI',
  };
  return `${JSON.stringify(line)}\n`;
}
