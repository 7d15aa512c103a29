/**
 * The one table of errors that requests, recipients and attempts can have. A code is the one of the hosted API's error
 * dictionary where that has the error, so that programs that branch on it keep working. Other errors have codes that the
 * dictionary does not use. `docs/errors.md` is generated from this table.
 */

export interface ErrorEntry {
  readonly code: number;
  /** Whose code it is: of the hosted API's dictionary, with its meaning there, or Fanfare's own. */
  readonly origin: 'dictionary' | 'fanfare';
  /** HTTP status of a request refused with it; null for errors of messages. */
  readonly status: number | null;
  readonly message: string;
  /** The action to take. */
  readonly advice: string;
  /**
   * The cause of a failed attempt. If it is the sender, another sender of the same channel may succeed. The default is
   * the recipient: no sender would succeed.
   */
  readonly fault?: 'sender';
}

const table = {
  invalid: {
    code: 20422,
    origin: 'dictionary',
    status: 400,
    message: 'A value is not allowed.',
    advice: 'Correct the value at the JSON path in "context".',
  },
  unknownField: {
    code: 20001,
    origin: 'dictionary',
    status: 400,
    message: 'There is no such field.',
    advice: 'Correct or remove the field at the JSON path in "context".',
  },
  pageSize: {
    code: 20007,
    origin: 'dictionary',
    status: 400,
    message: 'The page size is too large.',
    advice: 'Use a pageSize of at most 1,000.',
  },
  authentication: {
    code: 20003,
    origin: 'dictionary',
    status: 401,
    message: 'The credentials are missing or wrong.',
    advice:
      'Send HTTP Basic with AccountSid:AuthToken or ApiKeySid:Secret, or a valid access token as Bearer.',
  },
  forbidden: {
    code: 20006,
    origin: 'dictionary',
    status: 403,
    message: 'These credentials, or this page, are not allowed to do that.',
    advice:
      "Use an API key with the scope that the message names, or the account's SID and token. A session works only from the dashboard's own pages.",
  },
  notFound: {
    code: 20404,
    origin: 'dictionary',
    status: 404,
    message: 'The resource was not found.',
    advice: 'Check the path and the id. Resources are deleted after the retention time.',
  },
  methodNotAllowed: {
    code: 20004,
    origin: 'dictionary',
    status: 405,
    message: 'The method is not allowed here.',
    advice: 'Use one of the methods in the Allow header.',
  },
  conflict: {
    code: 20409,
    origin: 'dictionary',
    status: 409,
    message: 'The request conflicts with something that exists or is in progress.',
    advice:
      'Follow the message. If there is a Retry-After header, repeat the request after that number of seconds.',
  },
  slow: {
    code: 20408,
    origin: 'fanfare',
    status: 408,
    message: 'The request did not arrive in time.',
    advice:
      'Send it without pauses. limits.headersTimeoutMs and limits.requestTimeoutMs limit the time.',
  },
  headersTooLarge: {
    code: 20431,
    origin: 'fanfare',
    status: 431,
    message: 'The headers are too large.',
    advice: 'Send less than 16 KB of headers, and at most a few hundred of them.',
  },
  tooLarge: {
    code: 20413,
    origin: 'dictionary',
    status: 413,
    message: 'The request is too large.',
    advice:
      'A request as JSON has at most 10,000 recipients and 10 MB, or 5 MB for e-mails. Send more as lines (application/x-ndjson).',
  },
  mediaType: {
    code: 20415,
    origin: 'fanfare',
    status: 415,
    message: 'The media type is not supported.',
    advice:
      'Send JSON with Content-Type: application/json. Sends may be application/x-ndjson, too.',
  },
  pathTooLong: {
    code: 20432,
    origin: 'fanfare',
    status: 414,
    message: 'A part of the path is too long.',
    advice: 'Check the id: a part of a path has at most 1,024 characters.',
  },
  notImplemented: {
    code: 20501,
    origin: 'fanfare',
    status: 501,
    message: 'This transfer encoding is not implemented.',
    advice: 'Send the body with Content-Length, or with Transfer-Encoding: chunked.',
  },
  expectation: {
    code: 20417,
    origin: 'fanfare',
    status: 417,
    message: 'The Expect header is not supported.',
    advice: 'Omit it, or send Expect: 100-continue.',
  },
  tooManyRequests: {
    code: 20429,
    origin: 'dictionary',
    status: 429,
    message: 'Too many requests.',
    advice: 'Wait for the number of seconds in the Retry-After header.',
  },
  internal: {
    code: 20500,
    origin: 'dictionary',
    status: 500,
    message: 'An internal error occurred.',
    advice: 'Report it with the request id. Check what happened before you repeat the request.',
  },
  unavailable: {
    code: 20503,
    origin: 'dictionary',
    status: 503,
    message: 'The service is temporarily unavailable.',
    advice:
      'Repeat the request after the number of seconds in the Retry-After header. Repeat a send with the same Idempotency-Key, so that it is executed once.',
  },
  searchTooLong: {
    code: 20505,
    origin: 'fanfare',
    status: 503,
    message: 'The search takes too long.',
    advice:
      'Narrow it by operationId or by startDate and endDate, or use fewer filters. A search ends after 5 seconds, and few run at the same time.',
  },
  malformedJson: {
    code: 20025,
    origin: 'fanfare',
    status: 400,
    message: 'The body is not JSON.',
    advice: 'Correct the JSON at the position that the message gives.',
  },
  unsupported: {
    code: 20018,
    origin: 'fanfare',
    status: 400,
    message: 'This part of the API is not supported.',
    advice: 'Use the alternative that the message names.',
  },
  phoneNumber: {
    code: 21211,
    origin: 'dictionary',
    status: 400,
    message: 'The phone number is not valid.',
    advice: 'Write phone numbers in E.164: + and up to 15 digits.',
  },
  from: {
    code: 21212,
    origin: 'dictionary',
    status: 400,
    message: 'The number or name to send from is not valid.',
    advice: 'Write it as the channel of the sender needs it; the message says how.',
  },
  statusCallback: {
    code: 21609,
    origin: 'dictionary',
    status: 400,
    message: 'The statusCallback is not valid.',
    advice: 'Use a URL that the server may call; the message has the reason.',
  },
  textTooLong: {
    code: 21617,
    origin: 'dictionary',
    status: 400,
    message: 'The text has more than 1,600 characters.',
    advice: 'Shorten the text or the variables. An emoji counts as two characters or more.',
  },
  missingVariable: {
    code: 20019,
    origin: 'fanfare',
    status: 400,
    message: 'A template variable has no value.',
    advice:
      "Add the variable to the recipient, or a default to the template: {{ name | default: 'there' }}.",
  },
  template: {
    code: 20024,
    origin: 'fanfare',
    status: 400,
    message: 'A template is not valid.',
    advice: 'Correct the Liquid template. Put literal braces into {% raw %}.',
  },
  schedule: {
    code: 20013,
    origin: 'fanfare',
    status: 400,
    message: 'The time is not allowed.',
    advice: 'Use one RFC 3339 date and time, at most 7 days ahead.',
  },
  tag: {
    code: 20014,
    origin: 'fanfare',
    status: 400,
    message: 'A tag is not valid.',
    advice:
      'Use at most 10 tags. Keys have up to 128 and values up to 256 characters: letters, digits and . _ ~ -.',
  },
  recipients: {
    code: 20015,
    origin: 'fanfare',
    status: 400,
    message: 'The number of recipients is not allowed.',
    advice:
      'Send 1 to 10,000 recipients as JSON. Send more as lines (application/x-ndjson), up to limits.recipientsMax.',
  },
  contentTemplate: {
    code: 20017,
    origin: 'fanfare',
    status: 400,
    message: 'There is no such content template.',
    advice: 'Use a content template of your account; GET /v1/Content lists them.',
  },
  sender: {
    code: 21606,
    origin: 'dictionary',
    status: 400,
    message: 'The sender cannot be used.',
    advice:
      'Use an active sender or pool of your account; GET /v1/Senders and GET /v1/SenderPools list them.',
  },
  senderOwned: {
    code: 20416,
    origin: 'fanfare',
    status: 409,
    message: 'The address has another owner on this channel and carrier.',
    advice:
      'Use your own address. Every account can use the senders of the configuration without adding them; GET /v1/Senders lists them.',
  },
  stoppedByPerson: {
    code: 20418,
    origin: 'fanfare',
    status: 409,
    message: 'The recipient has stopped an address that other accounts can send from too.',
    advice: 'Ask the recipient to send START to the address. Only this removes the entry.',
  },
  quota: {
    code: 20414,
    origin: 'fanfare',
    status: 409,
    message: 'The account has reached the maximum number of these resources.',
    advice: 'Follow the message, or delete resources that are no longer needed.',
  },
  unaddressable: {
    code: 21612,
    origin: 'dictionary',
    status: null,
    message: 'No available sender reaches any address of the recipient.',
    advice: 'Configure a sender for the channel, or use another address.',
  },
  suppressed: {
    code: 21610,
    origin: 'dictionary',
    status: null,
    message: 'The recipient has opted out.',
    advice: 'Do not send to this recipient. GET /v1/Suppressions lists the opt-outs.',
  },
  refused: {
    code: 30006,
    origin: 'dictionary',
    status: null,
    message: 'Landline or unreachable carrier.',
    advice: 'The carrier refuses the number. Check it.',
  },
  unreachable: {
    code: 30003,
    origin: 'dictionary',
    status: null,
    message: 'Unreachable destination handset.',
    advice: 'Try again later or over another channel.',
  },
  unknownDestination: {
    code: 30005,
    origin: 'dictionary',
    status: null,
    message: 'Unknown destination.',
    advice: 'The mailbox or handset does not exist. Remove the address from your list.',
  },
  filtered: {
    code: 30007,
    origin: 'dictionary',
    status: null,
    message: 'The message was filtered.',
    advice:
      'The carrier or the receiving server classified it as unwanted. Check the attempt, the content and the reputation of the sender.',
    fault: 'sender',
  },
  carrierFault: {
    code: 30008,
    origin: 'dictionary',
    status: null,
    message: 'Unknown error of the carrier.',
    advice: 'Check the details of the attempt. It was retried as often as configured.',
    fault: 'sender',
  },
  senderRefused: {
    code: 30034,
    origin: 'dictionary',
    status: null,
    message: 'The carrier does not accept messages from this sender.',
    advice:
      'Register the sender with the carrier, or use another sender. A pool tries its next sender.',
    fault: 'sender',
  },
  expired: {
    code: 30036,
    origin: 'dictionary',
    status: null,
    message: 'The message expired before it was sent.',
    advice: 'Set a later expireAt, or find out why the queue was long.',
  },
  noRcs: {
    code: 61337,
    origin: 'dictionary',
    status: null,
    message: 'Recipient does not have RCS enabled.',
    advice: 'Add a sender of another channel as fallback.',
  },
  templateFailed: {
    code: 20016,
    origin: 'fanfare',
    status: null,
    message: 'The content could not be rendered for the recipient.',
    advice: 'Shorten the text or the variables.',
  },
  ambiguous: {
    code: 30050,
    origin: 'fanfare',
    status: null,
    message: 'The message is in doubt: the carrier may or may not have it.',
    advice:
      'The server stopped, or the connection broke, between submission and answer. The message was not sent again. Ask the carrier, or set "ambiguous": "resend".',
  },
  senderGone: {
    code: 30051,
    origin: 'fanfare',
    status: null,
    message: 'The sender was deleted before the message was submitted.',
    advice: 'Send the message again from another sender.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof table;

/** Errors by name. */
export const ERRORS: Readonly<Record<ErrorName, ErrorEntry>> = table;

const BY_CODE = new Map<number, ErrorEntry>(
  Object.values(table).map((entry) => [entry.code, entry]),
);

/** The entry of a code; undefined for a carrier's own code. */
export function findError(code: number): ErrorEntry | undefined {
  return BY_CODE.get(code);
}

/** The cause of a failed attempt. */
export function faultOf(code: number | null): 'sender' | 'recipient' {
  return (code === null ? undefined : findError(code)?.fault) ?? 'recipient';
}

/** One problem of a request. */
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
