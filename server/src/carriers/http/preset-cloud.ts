/** The preset `cloud`: the WhatsApp Cloud API. */
import { CARRIAGE } from '../../domain/carriage.ts';
import { ERRORS } from '../../domain/errors.ts';
import { MEDIA_KINDS } from '../../domain/media.ts';
import type {
  BodyTemplate,
  ErrorRule,
  HttpDescription,
  ReceiptsDescription,
} from './description.ts';

/** Settings of an account and a number. */
export interface CloudSettings {
  /** `https://graph.facebook.com` */
  readonly baseUrl: string;
  /** Of the Graph API, `v23.0`. */
  readonly version: string;
  /** The id of the sender's number; null: the senders' addresses are such ids themselves. */
  readonly phoneNumberId: string | null;
  readonly accessToken: string;
  /** Signs callbacks. */
  readonly appSecret: string;
  /** The token that is typed in where the webhook is set up. */
  readonly verifyToken: string;
  /** An approved template with one body parameter, which gets the text; null: free text, within the 24 hours after a reply only. */
  readonly template: { readonly name: string; readonly language: string } | null;
}

/** Codes for which a retry may succeed, and codes about the recipient. All others are ordinary refusals. */
const CLOUD_ERRORS: Readonly<Record<string, ErrorRule>> = {
  // About the access token, so for all messages alike: it ended, or lacks a permission.
  '0': { kind: 'throttled' },
  '3': { kind: 'throttled' },
  '10': { kind: 'throttled' },
  '190': { kind: 'throttled' },
  '200': { kind: 'throttled' },
  '1': { kind: 'retry' },
  '2': { kind: 'retry' },
  '4': { kind: 'throttled' },
  '80007': { kind: 'throttled' },
  '130429': { kind: 'throttled' },
  // About one recipient: the others go on.
  '131056': { kind: 'retry' },
  '131000': { kind: 'retry' },
  '131016': { kind: 'retry' },
  '131026': { kind: 'rejected', code: ERRORS.unreachable.code },
  '131050': { kind: 'rejected', code: ERRORS.suppressed.code },
  '133004': { kind: 'retry' },
};

/**
 * The WhatsApp Cloud API: `POST /v{n}/{phone-number-id}/messages`. Our reference is sent as
 * `biz_opaque_callback_data` and returned in every status.
 */
export function describeCloud(settings: CloudSettings): HttpDescription {
  const number =
    settings.phoneNumberId === null ? '{{ from }}' : encodeURIComponent(settings.phoneNumberId);
  return {
    request: {
      method: 'POST',
      url: `${settings.baseUrl}/${settings.version}/${number}/messages`,
      auth: { kind: 'bearer', token: settings.accessToken },
      body: { kind: 'json', template: cloudBody(settings.template) },
      carries: CARRIAGE.cloud,
    },
    response: {
      id: { pointer: '/messages/0/id' },
      errorCode: '/error/code',
      errorDetail: ['/error/error_data/details', '/error/message'],
    },
    errors: CLOUD_ERRORS,
    receipts: cloudReceipts(settings),
  };
}

function cloudReceipts(settings: CloudSettings): ReceiptsDescription {
  const ourNumber =
    settings.phoneNumberId === null
      ? '2/metadata/phone_number_id'
      : '2/metadata/display_phone_number';
  return {
    verify: {
      kind: 'hmac',
      header: 'x-hub-signature-256',
      algorithm: 'sha256',
      encoding: 'hex',
      prefix: 'sha256=',
      secret: settings.appSecret,
    },
    challenge: {
      kind: 'query',
      tokenName: 'hub.verify_token',
      token: settings.verifyToken,
      echo: 'hub.challenge',
    },
    format: 'json',
    statuses: {
      events: '/entry/*/changes/*/value/statuses/*',
      reference: '/biz_opaque_callback_data',
      providerId: '/id',
      status: '/status',
      words: { delivered: 'DELIVERED', read: 'READ', failed: 'UNDELIVERED' },
      errorCode: '/errors/0/code',
      errorDetail: ['/errors/0/error_data/details', '/errors/0/message', '/errors/0/title'],
    },
    inbound: {
      events: '/entry/*/changes/*/value/messages/*',
      channel: 'WHATSAPP',
      numbers: 'digits',
      from: '/from',
      to: ourNumber,
      text: [
        '/text/body',
        '/button/text',
        '/interactive/button_reply/title',
        '/interactive/list_reply/title',
        '/image/caption',
        '/video/caption',
        '/document/caption',
      ],
      id: '/id',
      at: '/timestamp',
    },
    preferences: {
      events: '/entry/*/changes/*/value/user_preferences/*',
      channel: 'WHATSAPP',
      numbers: 'digits',
      from: '/wa_id',
      to: ourNumber,
      at: '/timestamp',
      keyword: { at: '/value', words: { stop: 'STOP', resume: 'START' } },
    },
  };
}

const CLOUD_HEAD = {
  messaging_product: 'whatsapp',
  recipient_type: 'individual',
  to: '{{ toDigits }}',
  biz_opaque_callback_data: '{{ reference }}',
};

function cloudBody(template: CloudSettings['template']): BodyTemplate {
  const words: BodyTemplate =
    template === null
      ? { ...CLOUD_HEAD, type: 'text', text: { body: '{{ text }}' } }
      : {
          ...CLOUD_HEAD,
          type: 'template',
          template: {
            name: template.name,
            language: { code: template.language },
            components: [{ type: 'body', parameters: [{ type: 'text', text: '{{ text }}' }] }],
          },
        };
  const medium = (kind: string): BodyTemplate => ({
    ...CLOUD_HEAD,
    type: kind,
    [kind]: {
      link: '{{ mediaUrl }}',
      ...(kind === 'audio' ? {} : { caption: '{{ text }}' }),
      // Without it people see "Untitled".
      ...(kind === 'document' ? { filename: '{{ mediaName }}' } : {}),
    },
  });
  return {
    $switch: [
      { when: '/contentForm', is: 'replies', use: interactive('button', REPLIES) },
      { when: '/contentForm', is: 'link', use: interactive('cta_url', LINK) },
      { when: '/contentForm', is: 'cards', use: interactive('carousel', CARDS) },
      ...MEDIA_KINDS.map((kind) => ({ when: '/mediaKind', is: kind, use: medium(kind) })),
      { use: words },
    ],
  };
}

/** With a file above the text, if there is one. */
function interactive(type: string, action: BodyTemplate): BodyTemplate {
  const header = (kind: string): BodyTemplate => ({
    type: kind,
    [kind]: {
      link: '{{ mediaUrl }}',
      ...(kind === 'document' ? { filename: '{{ mediaName }}' } : {}),
    },
  });
  return {
    ...CLOUD_HEAD,
    type: 'interactive',
    interactive: {
      type,
      header: {
        $switch: ['image', 'video', 'document'].map((kind) => ({
          when: '/mediaKind',
          is: kind,
          use: header(kind),
        })),
      },
      body: { text: '{{ text }}' },
      action,
    },
  };
}

const REPLIES: BodyTemplate = {
  buttons: {
    $each: '/suggestions',
    item: {
      type: 'reply',
      reply: { id: { $value: '/item/reply/postbackData' }, title: { $value: '/item/reply/text' } },
    },
  },
};

const LINK_PARAMETERS: BodyTemplate = {
  display_text: { $value: '/item/action/text' },
  url: { $value: '/item/action/openUrlAction/url' },
};
const LINK: BodyTemplate = {
  name: 'cta_url',
  parameters: { $first: '/suggestions', item: LINK_PARAMETERS },
};
/** Of a card that has a link. */
const LINK_NAME: BodyTemplate = {
  $switch: [{ when: '/item/action/openUrlAction', use: 'cta_url' }],
};

/** Cards with replies have the type of those with a link, too. */
const CARDS: BodyTemplate = {
  cards: {
    $each: '/cards',
    item: {
      card_index: { $value: '/item/index' },
      type: 'cta_url',
      header: {
        $switch: ['image', 'video'].map((kind) => ({
          when: '/item/mediaKind',
          is: kind,
          use: { type: kind, [kind]: { link: { $value: '/item/mediaUrl' } } },
        })),
      },
      body: { text: { $value: '/item/text' } },
      action: {
        name: { $first: '/item/suggestions', item: LINK_NAME },
        parameters: { $first: '/item/suggestions', item: LINK_PARAMETERS },
        buttons: {
          $each: '/item/suggestions',
          item: {
            $switch: [
              {
                when: '/item/reply',
                use: {
                  type: 'quick_reply',
                  quick_reply: {
                    id: { $value: '/item/reply/postbackData' },
                    title: { $value: '/item/reply/text' },
                  },
                },
              },
            ],
          },
        },
      },
    },
  },
};
