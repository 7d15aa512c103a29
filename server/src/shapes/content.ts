/**
 * The shapes of contents: in sends, in stored templates, and in messages. Lengths here apply to templates. The limits of
 * rendered values are in `domain/content-fields.ts` and in the descriptions.
 */
import { LINE_HINT, LINE_PATTERN } from '../domain/email-headers.ts';
import { Type, type TSchema } from 'typebox';
import { limitOf, TEXT_LENGTH_MAX } from '../domain/content-fields.ts';
import {
  CALLS_TO_ACTION_MAX,
  CAROUSEL_ACTIONS_MAX,
  CAROUSEL_CARD_TEXT_MAX,
  CAROUSEL_CARDS_MAX,
  CAROUSEL_CARDS_MIN,
  QUICK_REPLIES_MAX,
  TEMPLATE_MEDIA_MAX,
  TEMPLATE_VARIABLES_MAX,
} from '../domain/content-template.ts';
import { MEDIA_MAX, MODULES_MAX } from '../domain/content.ts';
import { TEMPLATE_LENGTH_MAX } from '../domain/liquid.ts';
import {
  RCS_CARD_ORIENTATIONS,
  RCS_CARD_SUGGESTIONS_MAX,
  RCS_MEDIA_HEIGHTS,
  RCS_SUGGESTIONS_MAX,
  RCS_THUMBNAIL_ALIGNMENTS,
} from '../domain/rcs.ts';
import { choice, forms, instant, listOf, orNull, shape, line } from './parts.ts';

const liquid = (what: string) =>
  Type.String({ minLength: 1, maxLength: TEMPLATE_LENGTH_MAX, description: `Liquid; ${what}` });
const liquidText = (name: string) => liquid(`at most ${limitOf(name)} characters when rendered.`);
const liquidUrl = liquid(
  'when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.',
);
const liquidPhone = liquid('E.164 when rendered.');
const liquidInstant = liquid('an RFC 3339 instant with zone when rendered.');

/** The id of a content template. */
export const CONTENT_ID = Type.String({
  pattern: '^HX[0-9a-zA-Z]{26,34}$',
  'x-hint': 'it is not the id of a content template',
});

const plainFields = {
  text: Type.Optional(liquid(`at most ${TEXT_LENGTH_MAX} characters when rendered.`)),
  media: Type.Optional(Type.Array(shape({ url: liquidUrl }), { maxItems: MEDIA_MAX })),
};
const PLAIN_NOTES = { minProperties: 1, 'x-hint': 'give text, media or both' };

const RCS_MEDIA = shape(
  {
    contentInfo: shape({
      fileUrl: liquidUrl,
      thumbnailUrl: Type.Optional(liquidUrl),
      forceRefresh: Type.Optional(Type.Boolean()),
    }),
    height: Type.Optional(choice('RcsMediaHeight', RCS_MEDIA_HEIGHTS)),
  },
  { title: 'RcsMedia' },
);

const LAT_LONG = shape({
  latitude: Type.Number({ minimum: -90, maximum: 90 }),
  longitude: Type.Number({ minimum: -180, maximum: 180 }),
});
const label = Type.Optional(liquidText('viewLocationAction.label'));
const ACTIONS: Readonly<Record<string, TSchema>> = {
  openUrlAction: shape({ url: liquidUrl }),
  dialAction: shape({ phoneNumber: liquidPhone }),
  viewLocationAction: forms(
    'ViewLocation',
    [
      ['latLong', shape({ latLong: LAT_LONG, label }, { title: 'ViewLocationByPoint' })],
      [
        'query',
        shape(
          { query: liquidText('viewLocationAction.query'), label },
          { title: 'ViewLocationByQuery' },
        ),
      ],
    ],
    'give latLong or query',
  ),
  createCalendarEventAction: shape({
    startTime: liquidInstant,
    endTime: liquidInstant,
    title: liquidText('createCalendarEventAction.title'),
    description: liquidText('createCalendarEventAction.description'),
  }),
  shareLocationAction: shape({}),
};

const labels = (name: 'reply' | 'action') => ({
  text: liquidText(`${name}.text`),
  postbackData: liquidText(`${name}.postbackData`),
});
const SUGGESTION = forms(
  'RcsSuggestion',
  [
    ['reply', shape({ reply: shape(labels('reply')) }, { title: 'RcsReplySuggestion' })],
    [
      'action',
      shape(
        {
          action: forms(
            'RcsAction',
            Object.entries(ACTIONS).map(([key, action]) => [
              key,
              shape(
                { ...labels('action'), [key]: action },
                { title: `Rcs${key[0]?.toUpperCase()}${key.slice(1)}` },
              ),
            ]),
            `give one of ${Object.keys(ACTIONS).join(', ')}`,
          ),
        },
        { title: 'RcsActionSuggestion' },
      ),
    ],
  ],
  'give reply or action',
);
const suggestions = (maxItems: number) => Type.Optional(Type.Array(SUGGESTION, { maxItems }));

const RICH_CARD = shape(
  {
    standaloneCard: shape({
      cardOrientation: Type.Optional(choice('RcsCardOrientation', RCS_CARD_ORIENTATIONS)),
      thumbnailImageAlignment: Type.Optional(
        choice('RcsThumbnailAlignment', RCS_THUMBNAIL_ALIGNMENTS),
      ),
      cardContent: shape(
        {
          title: Type.Optional(liquidText('cardContent.title')),
          description: Type.Optional(liquidText('cardContent.description')),
          media: Type.Optional(RCS_MEDIA),
          suggestions: suggestions(RCS_CARD_SUGGESTIONS_MAX),
        },
        { description: 'At least a title, a description or media.' },
      ),
    }),
  },
  { title: 'RcsRichCard' },
);

const RCS = forms(
  'RcsContent',
  [
    ['richCard', shape({ richCard: RICH_CARD }, { title: 'RcsCardContent' })],
    [
      'media',
      shape(
        { media: RCS_MEDIA, suggestions: suggestions(RCS_SUGGESTIONS_MAX) },
        { title: 'RcsMediaContent' },
      ),
    ],
    [
      'text',
      shape(
        { text: liquidText('rcs.text'), suggestions: suggestions(RCS_SUGGESTIONS_MAX) },
        { title: 'RcsTextContent' },
      ),
    ],
  ],
  'give text, media or richCard',
);

const MODULE = forms(
  'ChannelModule',
  [
    ['sms', shape({ sms: shape(plainFields, PLAIN_NOTES) }, { title: 'SmsModule' })],
    ['rcs', shape({ rcs: RCS }, { title: 'RcsModule' })],
  ],
  'give sms or rcs',
);

/** The `content` of a send. */
export const CONTENT_ARMS = {
  text: shape(plainFields, { title: 'TextWithMedia', ...PLAIN_NOTES }),
  template: shape({ contentId: CONTENT_ID }, { title: 'StoredContent' }),
  modules: shape(
    {
      modules: Type.Array(MODULE, {
        minItems: 1,
        maxItems: MODULES_MAX,
        description: 'At most one for each channel.',
      }),
    },
    { title: 'ChannelModules' },
  ),
};

/** Rich content as rendered, or null. */
export const RICH = orNull(
  Type.Object(
    {},
    {
      description:
        'An RCS module: text, media or richCard, with suggestions. A carousel of a template is richCard.carouselCard, for WhatsApp with the body above.',
    },
  ),
);

/** The content in a message. */
export const RENDERED_CONTENT = Type.Object(
  {
    text: Type.Optional(Type.String()),
    media: Type.Optional(Type.Array(Type.Object({ url: Type.String() }))),
    modules: Type.Optional(
      Type.Array(
        Type.Object({ sms: Type.Optional(Type.Object({})), rcs: Type.Optional(Type.Object({})) }),
      ),
    ),
    contentId: Type.Optional(CONTENT_ID),
  },
  {
    description:
      'The requested content, rendered for the recipient. For a template, its id and the content of the channel.',
  },
);

const quickReplyTitle = liquidText('twilio/quick-reply.actions.title');
const title = liquidText('actions.title');
const id = liquidText('actions.id');
const quickReply = (name: string, shown: TSchema) =>
  shape(
    { type: Type.Optional(choice('QuickReplyType', ['QUICK_REPLY'])), title: shown, id },
    { title: name },
  );
const CALL_FORMS: readonly (readonly [string, TSchema])[] = [
  [
    'url',
    shape(
      { type: choice('UrlActionType', ['URL']), title, url: liquidUrl },
      { title: 'UrlAction' },
    ),
  ],
  [
    'phone',
    shape(
      { type: choice('PhoneActionType', ['PHONE_NUMBER']), title, phone: liquidPhone },
      { title: 'PhoneAction' },
    ),
  ],
];
const CARD_ACTION = forms(
  'CardAction',
  [...CALL_FORMS, ['id', quickReply('CardQuickReply', title)]],
  'give id, url or phone',
);
const bodyOf = (type: string) => liquidText(`twilio/${type}.body`);

const CAROUSEL_CARD = shape(
  {
    title: Type.Optional(liquidText('cards.title')),
    body: liquid(
      `at most ${CAROUSEL_CARD_TEXT_MAX} characters together with the title when rendered.`,
    ),
    media: liquid('the URL of an image or a video.'),
    actions: Type.Array(CARD_ACTION, {
      minItems: 1,
      maxItems: CAROUSEL_ACTIONS_MAX,
    }),
  },
  { title: 'CarouselCard' },
);

const CAROUSEL = shape(
  {
    body: liquidText('twilio/carousel.body'),
    cards: Type.Array(CAROUSEL_CARD, {
      minItems: CAROUSEL_CARDS_MIN,
      maxItems: CAROUSEL_CARDS_MAX,
      description: 'All cards have the same kinds of buttons in the same order.',
    }),
  },
  {
    title: 'CarouselContent',
    description: 'Cards side by side, below a text. RCS does not show the text.',
  },
);

const TYPES = shape(
  {
    'twilio/carousel': Type.Optional(CAROUSEL),
    'twilio/text': Type.Optional(shape({ body: bodyOf('text') })),
    'twilio/media': Type.Optional(
      shape({
        body: Type.Optional(bodyOf('media')),
        media: Type.Array(liquidUrl, { minItems: 1, maxItems: TEMPLATE_MEDIA_MAX }),
      }),
    ),
    'twilio/quick-reply': Type.Optional(
      shape({
        body: bodyOf('quick-reply'),
        actions: Type.Array(quickReply('QuickReply', quickReplyTitle), {
          minItems: 1,
          maxItems: QUICK_REPLIES_MAX,
        }),
      }),
    ),
    'twilio/call-to-action': Type.Optional(
      shape({
        body: bodyOf('call-to-action'),
        actions: Type.Array(forms('CallToAction', CALL_FORMS, 'give url or phone'), {
          minItems: 1,
          maxItems: CALLS_TO_ACTION_MAX,
        }),
      }),
    ),
    'twilio/card': Type.Optional(
      shape({
        title: liquidText('twilio/card.title'),
        subtitle: Type.Optional(liquidText('twilio/card.subtitle')),
        body: Type.Optional(bodyOf('card')),
        media: Type.Optional(Type.Array(liquidUrl, { minItems: 1, maxItems: 1 })),
        actions: Type.Optional(
          Type.Array(CARD_ACTION, {
            minItems: 1,
            maxItems: RCS_CARD_SUGGESTIONS_MAX,
          }),
        ),
      }),
    ),
  },
  { minProperties: 1, 'x-hint': 'give at least one type' },
);

const NAME = line();
const LANGUAGE = Type.String({
  minLength: 1,
  maxLength: 35,
  pattern: LINE_PATTERN,
  'x-hint': LINE_HINT,
  examples: ['en', 'pt-BR'],
});
const variables = Type.Unsafe<Record<string, string>>({
  type: 'object',
  maxProperties: TEMPLATE_VARIABLES_MAX,
  propertyNames: { minLength: 1, maxLength: 128 },
  additionalProperties: { type: 'string', maxLength: TEXT_LENGTH_MAX },
  description: 'Default values of variables.',
});

const TEMPLATE = Type.Object(
  {
    id: CONTENT_ID,
    friendlyName: orNull(Type.String()),
    language: orNull(Type.String()),
    variables: Type.Record(Type.String(), Type.String()),
    types: Type.Record(Type.String(), Type.Object({}), { description: 'As stored.' }),
    createdAt: instant('When it was stored.'),
  },
  { $id: 'ContentTemplate' },
);

/** Bodies and answers of templates. */
export const CONTENT_SHAPES: readonly TSchema[] = [
  shape(
    {
      friendlyName: Type.Optional(NAME),
      language: Type.Optional(LANGUAGE),
      variables: Type.Optional(variables),
      types: TYPES,
    },
    { $id: 'CreateContentRequest' },
  ),
  TEMPLATE,
  listOf('contents', Type.Unsafe({ $ref: 'ContentTemplate#' }), 'ContentTemplateList'),
];
