/** The preset `classic`: the Programmable Messaging API, and servers that are compatible with it. */
import { CARRIAGE } from '../../domain/carriage.ts';
import { ERRORS } from '../../domain/errors.ts';
import type { HttpDescription, ReceiptsDescription } from './description.ts';

/** Settings of an account. */
export interface ClassicSettings {
  /** `https://api.twilio.com`, or of a compatible server. */
  readonly baseUrl: string;
  readonly accountSid: string;
  /** An API key with its secret; null: the account itself with its token. */
  readonly apiKey: { readonly sid: string; readonly secret: string } | null;
  /** Submits without an API key, and signs callbacks. */
  readonly authToken: string;
}

/** Prefixes of addresses of channels other than SMS. */
const CLASSIC_PREFIX =
  "{% if channel == 'WHATSAPP' %}whatsapp:{% elsif channel == 'RCS' %}rcs:{% endif %}";

/**
 * The classic Programmable Messaging API: `POST /2010-04-01/Accounts/{sid}/Messages.json`. A sender's address is a
 * number, a short code, or the SID of a messaging service. Receipts have our reference in their URL. Rich content is sent
 * as plain text with all its parts, a card without suggestions as text and media.
 */
export function describeClassic(settings: ClassicSettings): HttpDescription {
  const { baseUrl, accountSid, apiKey, authToken } = settings;
  return {
    request: {
      method: 'POST',
      url: `${baseUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`,
      auth: {
        kind: 'basic',
        user: apiKey?.sid ?? accountSid,
        password: apiKey?.secret ?? authToken,
      },
      body: {
        kind: 'form',
        template: {
          To: `${CLASSIC_PREFIX}{{ to }}`,
          From: `{% assign kind = from | slice: 0, 2 %}{% if kind != 'MG' %}${CLASSIC_PREFIX}{{ from }}{% endif %}`,
          MessagingServiceSid:
            "{% assign kind = from | slice: 0, 2 %}{% if kind == 'MG' %}{{ from }}{% endif %}",
          Body: '{{ text }}',
          MediaUrl: { $value: '/mediaUrls' },
          StatusCallback:
            "{% if receiptsUrl != '' %}{{ receiptsUrl }}?reference={{ reference }}{% endif %}",
          // From one second to ten hours.
          ValidityPeriod:
            "{% if expireInSeconds != '' %}{{ expireInSeconds | at_most: 36000 }}{% endif %}",
        },
      },
      carries: CARRIAGE.classic,
    },
    response: {
      id: { pointer: '/sid' },
      errorCode: '/code',
      errorDetail: '/message',
    },
    sharesCodes: true,
    errors: {
      '20003': { kind: 'throttled' },
      '20429': { kind: 'throttled' },
      '21611': { kind: 'throttled' },
      '21610': { kind: 'rejected', code: ERRORS.suppressed.code },
      '21614': { kind: 'rejected', code: ERRORS.refused.code },
      '21211': { kind: 'rejected', code: ERRORS.phoneNumber.code },
      '30001': { kind: 'throttled' },
      '30003': { kind: 'rejected', code: ERRORS.unreachable.code },
      '30006': { kind: 'rejected', code: ERRORS.refused.code },
    },
    receipts: classicReceipts(authToken),
  };
}

function classicReceipts(authToken: string): ReceiptsDescription {
  return {
    verify: { kind: 'classic', authToken },
    format: 'form',
    statuses: {
      events: '',
      reference: '?reference',
      providerId: ['/MessageSid', '/SmsSid'],
      status: ['/MessageStatus', '/SmsStatus'],
      words: {
        delivered: 'DELIVERED',
        read: 'READ',
        undelivered: 'UNDELIVERED',
        failed: 'UNDELIVERED',
      },
      errorCode: '/ErrorCode',
      errorDetail: '/ErrorMessage',
    },
    inbound: {
      events: '',
      // Receipts have no body, not even an empty one.
      when: '/Body',
      channel: 'SMS',
      prefixes: { 'whatsapp:': 'WHATSAPP', 'rcs:': 'RCS' },
      from: '/From',
      to: '/To',
      service: '/MessagingServiceSid',
      text: '/Body',
      id: ['/MessageSid', '/SmsSid'],
      // The provider's own list of opt-outs. It refuses messages to these people with 21610, which is also our code.
      keyword: { at: '/OptOutType', words: { STOP: 'STOP', START: 'START', HELP: 'HELP' } },
    },
  };
}
