/** The preset `rbm`: RCS Business Messaging. */
import { CARRIAGE } from '../../domain/carriage.ts';
import { ERRORS } from '../../domain/errors.ts';
import type {
  BodyTemplate,
  HttpDescription,
  ReceiptsDescription,
  VerifyDescription,
} from './description.ts';

/** Settings of a service account. */
export interface RbmSettings {
  /** `https://rcsbusinessmessaging.googleapis.com`, or the API of a region. */
  readonly baseUrl: string;
  readonly clientEmail: string;
  /** PKCS #8 in PEM, as in the service account's file. */
  readonly privateKey: string;
  /** `https://oauth2.googleapis.com/token` */
  readonly tokenUrl: string;
  /** How its calls are checked: its webhook's client token, or, behind a Pub/Sub push subscription, a secret of ours in the URL. */
  readonly webhook:
    | { readonly kind: 'direct'; readonly clientToken: string }
    | { readonly kind: 'pubsub'; readonly urlToken: string };
}

/**
 * RCS Business Messaging: `POST /v1/phones/{msisdn}/agentMessages`. A sender's address is the agent's id. The message's
 * id is a UUID that all its attempts share, and RBM ignores an id that it has seen before. So a resent message never
 * arrives twice, and `ambiguous` should be `resend`.
 */
export function describeRbm(settings: RbmSettings): HttpDescription {
  return {
    request: {
      method: 'POST',
      url: `${settings.baseUrl}/v1/phones/{{ to }}/agentMessages?messageId={{ messageUuid }}&agentId={{ from }}`,
      auth: {
        kind: 'oauth-jwt',
        clientEmail: settings.clientEmail,
        privateKey: settings.privateKey,
        tokenUrl: settings.tokenUrl,
        scope: 'https://www.googleapis.com/auth/rcsbusinessmessaging',
      },
      body: { kind: 'json', template: RBM_BODY },
      carries: CARRIAGE.rbm,
    },
    response: {
      id: { template: '{{ messageUuid }}' },
      errorCode: ['/error/status', '/error/code'],
      errorDetail: '/error/message',
      phrases: {
        // About the service account, so for all messages alike: they wait until someone corrects it.
        'caller does not have permission': { kind: 'throttled' },
        'insufficient authentication scopes': { kind: 'throttled' },
        ACCESS_TOKEN_SCOPE_INSUFFICIENT: { kind: 'throttled' },
        IAM_PERMISSION_DENIED: { kind: 'throttled' },
        'has not been used in project': { kind: 'throttled' },
        SERVICE_DISABLED: { kind: 'throttled' },
        BILLING_DISABLED: { kind: 'throttled' },
        USER_PROJECT_DENIED: { kind: 'throttled' },
      },
      statuses: {
        // The agent is not launched on the recipient's network; the next channel may reach it.
        '403': { kind: 'rejected', code: ERRORS.noRcs.code },
        '404': { kind: 'rejected', code: ERRORS.noRcs.code },
        // The id makes a repetition harmless.
        '502': { kind: 'retry' },
        '504': { kind: 'retry' },
      },
    },
    errors: {
      // A repetition of a known message: the id is ours and belongs to one message only.
      ALREADY_EXISTS: { kind: 'accepted' },
    },
    receipts: rbmReceipts(settings),
  };
}

function rbmReceipts(settings: RbmSettings): ReceiptsDescription {
  const { webhook } = settings;
  const verify: VerifyDescription =
    webhook.kind === 'pubsub'
      ? { kind: 'secret', in: 'query', name: 'token', value: webhook.urlToken }
      : {
          kind: 'hmac',
          header: 'x-goog-signature',
          algorithm: 'sha512',
          encoding: 'base64',
          secret: webhook.clientToken,
        };
  return {
    verify,
    ...(webhook.kind === 'pubsub'
      ? {}
      : {
          challenge: {
            kind: 'json',
            tokenName: '/clientToken',
            token: webhook.clientToken,
            echo: '/secret',
          },
        }),
    format: 'json',
    envelope: '/message/data',
    statuses: {
      events: '',
      providerId: '/messageId',
      status: '/eventType',
      words: { DELIVERED: 'DELIVERED', READ: 'READ', TTL_EXPIRATION_REVOKED: 'UNDELIVERED' },
    },
    inbound: {
      events: '',
      when: ['/text', '/suggestionResponse', '/userFile', '/location'],
      channel: 'RCS',
      from: '/senderPhoneNumber',
      to: '/agentId',
      text: ['/text', '/suggestionResponse/text'],
      id: ['/messageId', '/eventId'],
      keyword: { at: '/eventType', words: { UNSUBSCRIBE: 'STOP', SUBSCRIBE: 'START' } },
      at: '/sendTime',
    },
  };
}

/** A message has a text or media; both together are a card. */
const RBM_CARD: BodyTemplate = {
  richCard: {
    standaloneCard: {
      cardOrientation: 'VERTICAL',
      cardContent: {
        description: '{{ text }}',
        media: { height: 'MEDIUM', contentInfo: { fileUrl: '{{ mediaUrl }}' } },
      },
    },
  },
};

/** Rich content has RBM's form already; only separate media have another name. */
const RBM_BODY: BodyTemplate = {
  contentMessage: {
    $switch: [
      {
        when: '/rich/media',
        use: {
          contentInfo: { $value: '/rich/media/contentInfo' },
          suggestions: { $value: '/rich/suggestions' },
        },
      },
      { when: '/rich', use: { $value: '/rich' } },
      {
        when: '/mediaUrl',
        use: {
          $switch: [
            { when: '/text', use: RBM_CARD },
            { use: { contentInfo: { fileUrl: '{{ mediaUrl }}' } } },
          ],
        },
      },
      { use: { text: '{{ text }}' } },
    ],
  },
  expireTime: '{{ expireAt }}',
};
