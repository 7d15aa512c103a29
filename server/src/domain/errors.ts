/**
 * The one table of errors: what a request, a recipient or an attempt can be told. Codes, where they exist there, are
 * those of the hosted API's error dictionary, so that programs which branch on them go on working. `docs/errors.md`
 * is written from this table.
 */

export interface ErrorEntry {
  readonly code: number;
  /** HTTP status of a request refused with it; null when it befalls a message instead. */
  readonly status: number | null;
  readonly message: string;
  /** What the caller should do. */
  readonly advice: string;
  /**
   * Whose fault it is that an attempt failed: with the sender's, another sender of the same channel may do better; with
   * the recipient's, which is meant when it is not said, none would.
   */
  readonly fault?: 'sender';
}

const table = {
  invalid: {
    code: 20001,
    status: 400,
    message: 'A value is not allowed.',
    advice: 'Correct the value at the JSON path in "context".',
  },
  authentication: {
    code: 20003,
    status: 401,
    message: 'The credentials are missing or wrong.',
    advice: 'Send HTTP Basic with AccountSid:AuthToken or ApiKeySid:Secret.',
  },
  forbidden: {
    code: 20006,
    status: 403,
    message: 'These credentials, or this page, may not do that.',
    advice:
      "Use an API key with the scope that the message names, or the account's SID and token; a session only from the dashboard's own pages.",
  },
  notFound: {
    code: 20404,
    status: 404,
    message: 'The resource was not found.',
    advice: 'Check the path and the id; resources are kept for the retention time only.',
  },
  methodNotAllowed: {
    code: 20004,
    status: 405,
    message: 'The method is not allowed here.',
    advice: 'Use one of the methods in the Allow header.',
  },
  conflict: {
    code: 20409,
    status: 409,
    message: 'The Idempotency-Key was used for another request.',
    advice:
      'Use a new key for a new request; repeat the first request unchanged to get its answer again.',
  },
  slow: {
    code: 20408,
    status: 408,
    message: 'The request did not arrive in time.',
    advice:
      'Send it at once; limits.headersTimeoutMs and limits.requestTimeoutMs say how long it may take.',
  },
  headersTooLarge: {
    code: 20431,
    status: 431,
    message: 'The headers are too large.',
    advice: 'Send less than 16 KB of headers, and not more than some hundreds of them.',
  },
  tooLarge: {
    code: 20413,
    status: 413,
    message: 'The request is too large.',
    advice: 'Split it: at most 10,000 recipients and 10 MB, 5 MB of e-mails.',
  },
  mediaType: {
    code: 20415,
    status: 415,
    message: 'The media type is not supported.',
    advice: 'Send JSON with Content-Type: application/json.',
  },
  pathTooLong: {
    code: 20432,
    status: 414,
    message: 'A part of the path is too long.',
    advice: 'Check the id: a part of a path has at most 1,024 characters.',
  },
  notImplemented: {
    code: 20501,
    status: 501,
    message: 'This way to send a request is not implemented.',
    advice: 'Send the body with a Content-Length, or in chunks.',
  },
  expectation: {
    code: 20417,
    status: 417,
    message: 'The Expect header is not understood.',
    advice: 'Leave it out, or send Expect: 100-continue.',
  },
  tooManyRequests: {
    code: 20429,
    status: 429,
    message: 'Too many requests.',
    advice: 'Wait as many seconds as the Retry-After header says.',
  },
  internal: {
    code: 20500,
    status: 500,
    message: 'An internal error occurred.',
    advice: 'Report it with the request id; do not repeat the request blindly.',
  },
  unavailable: {
    code: 20503,
    status: 503,
    message: 'The service is unavailable for the moment.',
    advice:
      'Repeat after as many seconds as the Retry-After header says; a send with the same Idempotency-Key, so that it is done once.',
  },
  searchTooLong: {
    code: 20504,
    status: 503,
    message: 'The search takes too long.',
    advice:
      'Narrow it: by operationId, by startDate and endDate, or by fewer filters. Searches end after 5 seconds, and few run at a time.',
  },
  malformedJson: {
    code: 20002,
    status: 400,
    message: 'The body is not JSON.',
    advice: 'Correct the JSON at the position in the message.',
  },
  unsupported: {
    code: 20010,
    status: 400,
    message: 'This part of the API is not supported.',
    advice: 'Use what the message names instead.',
  },
  address: {
    code: 21211,
    status: 400,
    message: 'The address is not valid.',
    advice:
      'Write numbers in E.164, + and up to 15 digits; e-mail addresses in ASCII, name@domain.',
  },
  missingVariable: {
    code: 20011,
    status: 400,
    message: 'A template variable has no value.',
    advice:
      "Give the recipient the variable, or the template a default: {{ name | default: 'there' }}.",
  },
  template: {
    code: 20012,
    status: 400,
    message: 'A template is not valid.',
    advice: 'Correct the Liquid; put literal braces into {% raw %}.',
  },
  schedule: {
    code: 20013,
    status: 400,
    message: 'The time is not allowed.',
    advice: 'Give one RFC 3339 date and time at most 7 days ahead.',
  },
  tag: {
    code: 20014,
    status: 400,
    message: 'A tag is not valid.',
    advice:
      'At most 10 tags; keys to 128 and values to 256 characters of letters, digits and . _ ~ -.',
  },
  recipients: {
    code: 20015,
    status: 400,
    message: 'The number of recipients is not allowed.',
    advice: 'Send 1 to 10,000 recipients in a request.',
  },
  contentTemplate: {
    code: 20017,
    status: 400,
    message: 'There is no such content template.',
    advice: 'Name one of your account; GET /v1/Content lists them.',
  },
  sender: {
    code: 21606,
    status: 400,
    message: 'The sender cannot be used.',
    advice:
      'Name an active sender or pool of your account; GET /v1/Senders and GET /v1/SenderPools list them.',
  },
  busy: {
    code: 20412,
    status: 409,
    message: 'It is being handed to a carrier at this moment.',
    advice: 'Repeat the request after as many seconds as the Retry-After header says.',
  },
  poolName: {
    code: 20410,
    status: 409,
    message: 'There is a sender pool of this name already.',
    advice: 'Choose another name, or use the pool that there is.',
  },
  senderTaken: {
    code: 20411,
    status: 409,
    message: 'There is a sender with this channel and address already.',
    advice: 'Use or change the sender that there is.',
  },
  senderOwned: {
    code: 20416,
    status: 409,
    message: 'The address has another owner on this channel and carrier.',
    advice:
      'Use an address that is yours. Senders of the configuration serve every account as they are; GET /v1/Senders lists them.',
  },
  stoppedByPerson: {
    code: 20418,
    status: 409,
    message: 'The person has stopped an address that others may send from, too.',
    advice: 'Ask the person to write START to the address: nothing else takes it back.',
  },
  quota: {
    code: 20414,
    status: 409,
    message: 'The account has as many of these as it may have.',
    advice: 'Do what the message says, or delete what is not needed any more.',
  },
  unaddressable: {
    code: 21612,
    status: null,
    message: 'No available sender reaches any address of the recipient.',
    advice: 'Configure a sender for the channel, or give another address.',
  },
  suppressed: {
    code: 21610,
    status: null,
    message: 'The recipient has opted out.',
    advice: 'Do not send; GET /v1/Suppressions lists who has.',
  },
  refused: {
    code: 30006,
    status: null,
    message: 'Landline or unreachable carrier.',
    advice: 'The carrier refuses the number; check it.',
  },
  unreachable: {
    code: 30003,
    status: null,
    message: 'Unreachable destination handset.',
    advice: 'Try again later or over another channel.',
  },
  unknownDestination: {
    code: 30005,
    status: null,
    message: 'Unknown destination.',
    advice: 'There is no such mailbox or handset; take the address off your list.',
  },
  filtered: {
    code: 30007,
    status: null,
    message: 'The message was filtered.',
    advice:
      'The carrier or the receiving server takes it for unwanted: look at the attempt, the content and the reputation of the sender.',
    fault: 'sender',
  },
  carrierFault: {
    code: 30008,
    status: null,
    message: 'Unknown error of the carrier.',
    advice: 'Look at the attempt; it was tried again as often as configured.',
    fault: 'sender',
  },
  senderRefused: {
    code: 30034,
    status: null,
    message: 'The carrier does not take messages from this sender.',
    advice:
      'Register the sender with the carrier, or use another; a pool moves on to its next one.',
    fault: 'sender',
  },
  expired: {
    code: 30036,
    status: null,
    message: 'The time to send it ran out.',
    advice: 'Give a later expireAt, or find out why the queue was so long.',
  },
  noRcs: {
    code: 61337,
    status: null,
    message: 'Recipient does not have RCS enabled.',
    advice: 'Use a sender of another channel as fallback.',
  },
  templateFailed: {
    code: 20016,
    status: null,
    message: 'The content could not be rendered for the recipient.',
    advice: 'Shorten the text or the variables.',
  },
  ambiguous: {
    code: 30050,
    status: null,
    message: 'It is unknown whether the carrier has it.',
    advice:
      'The server stopped, or the connection broke, between submission and answer. It was not sent again; ask the carrier, or set "ambiguous": "resend".',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof table;

/** Errors by name. */
export const ERRORS: Readonly<Record<ErrorName, ErrorEntry>> = table;

const BY_CODE = new Map<number, ErrorEntry>(
  Object.values(table).map((entry) => [entry.code, entry]),
);

/** The entry of a code, undefined for a code that only a carrier knows. */
export function findError(code: number): ErrorEntry | undefined {
  return BY_CODE.get(code);
}

/** Whose fault a failed attempt is. */
export function faultOf(code: number | null): 'sender' | 'recipient' {
  return (code === null ? undefined : findError(code)?.fault) ?? 'recipient';
}

/** One thing wrong with a request. */
export interface Problem {
  readonly code: number;
  readonly message: string;
  /** JSON path of the value at fault, `$.to[0].address`, or null. */
  readonly context: string | null;
}

/** A problem that concerns the whole request. */
export function problemOf(name: ErrorName, message: string = ERRORS[name].message): Problem {
  return { code: ERRORS[name].code, message, context: null };
}
