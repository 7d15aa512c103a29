/**
 * Carriage: the content that a carrier can send over a channel. One table has the limits, and one function checks them.
 * Intake refuses content that would arrive shortened. Carriers never omit any part. Pure.
 *
 * ```
 *  ChannelContent ──fit──▶ shown as it is │ as buttons │ in words, perhaps with a file │ or refused, with the reason
 * ```
 */
import type { ChannelContent } from './content.ts';
import { TEXT_LENGTH_MAX } from './content-fields.ts';
import { EMAIL_BODY_MAX } from './email-content.ts';
import { MEDIA_KINDS, mediaKindOf, type MediaKind } from './media.ts';
import type { Channel } from './message.ts';
import {
  carouselOf,
  fileOf,
  listSuggestions,
  wordsOf,
  wordsOfCard,
  type RcsBody,
  type RcsSuggestion,
} from './rcs.ts';

/** Lengths are in UTF-16 units: at least as many as any carrier counts as characters. */
export interface Carriage {
  /** Of a text alone. */
  readonly textMax: number;
  readonly mediaMax: number;
  /** Of a text that goes with media, and the kinds of media that it may go with. */
  readonly captionMax: number;
  readonly captioned: readonly MediaKind[];
  /** How rich content is shown: as it is, as buttons within these limits, or (null) in plain words. */
  readonly rich: 'whole' | ButtonLimits | null;
}

/** Buttons below a message: replies only, or one link. */
export interface ButtonLimits {
  readonly textMax: number;
  readonly repliesMax: number;
  readonly labelMax: number;
  readonly idMax: number;
  /** Media that may stand above. */
  readonly headers: readonly MediaKind[];
  /** Of the text of each card of a carousel. */
  readonly cardMax: number;
  readonly cardLinesMax: number;
}

const NO_MEDIA = { mediaMax: 0, captionMax: 0, captioned: [] } as const;

/** Limits of a carrier that accepts all content. */
export const WHOLE: Carriage = {
  textMax: TEXT_LENGTH_MAX,
  mediaMax: 10,
  captionMax: TEXT_LENGTH_MAX,
  captioned: MEDIA_KINDS,
  rich: 'whole',
};

/** E-mails have limits of their own, in `email-content.ts`. */
const EMAIL: Carriage = { ...WHOLE, textMax: EMAIL_BODY_MAX };

/**
 * Limits by carrier and channel. `docs/content.md` shows them; `test/unit/carriage.test.ts` compares them with the
 * requests that carriers make.
 */
export const CARRIAGE = {
  /** It journals whatever it gets. */
  simulator: { SMS: WHOLE, RCS: WHOLE, WHATSAPP: WHOLE, EMAIL },
  /** SMPP 3.4, 4.4.1: text. Multimedia messages are another interface (MM7, 3GPP TS 23.140). */
  smpp: { SMS: { textMax: TEXT_LENGTH_MAX, ...NO_MEDIA, rich: null } },
  smtp: { EMAIL },
  classic: {
    /** Programmable Messaging, "Message resource": `Body` up to 1,600 characters, up to 10 `MediaUrl`. */
    SMS: { ...WHOLE, rich: null },
    /** One file, as in an agent message of RCS Business Messaging; anything beyond text and file needs a Content SID. */
    RCS: { ...WHOLE, mediaMax: 1, captioned: ['image', 'video'], rich: null },
    /**
     * "Sending and Receiving Media with WhatsApp Messaging": one medium, others are ignored. "Guidance on WhatsApp Media
     * Messages", "Filenames and Captions": none for documents. Captions as WhatsApp has them.
     */
    WHATSAPP: {
      ...WHOLE,
      mediaMax: 1,
      captionMax: 1_024,
      captioned: ['image', 'video'],
      rich: null,
    },
  },
  cloud: {
    /**
     * WhatsApp Cloud API, "Text messages": body 4,096. "Image", "Video", "Document messages": caption 1,024; "Audio messages"
     * have none. "Interactive reply buttons messages": up to 3, title 20, id 256, body 1,024, header text or image, video,
     * document. "Interactive call-to-action URL button messages": one, label 20, the same body and headers. "Interactive media
     * carousel messages": 2 to 10 cards with images or with videos, one link or the same number of replies on each, card body
     * 160 with up to two line breaks, and the same body, labels and ids.
     */
    WHATSAPP: {
      textMax: 4_096,
      mediaMax: 1,
      captionMax: 1_024,
      captioned: ['image', 'video', 'document'],
      rich: {
        textMax: 1_024,
        repliesMax: 3,
        labelMax: 20,
        idMax: 256,
        headers: ['image', 'video', 'document'],
        cardMax: 160,
        cardLinesMax: 3,
      },
    },
  },
  rbm: {
    /**
     * RCS Business Messaging, "AgentContentMessage": text up to 3,072 characters, or one file, or a card; "Rich cards":
     * description up to 2,000, media are images and videos. Suggestions have their limits in `content-fields.ts`.
     */
    RCS: {
      textMax: 3_072,
      mediaMax: 1,
      captionMax: 2_000,
      captioned: ['image', 'video'],
      rich: 'whole',
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<Channel, Carriage>>>>>;

/** A form of a content that a carrier can send, complete. */
export interface Fitted {
  /**
   * `replies` and `link`: text, perhaps with a file above, and buttons from the rich content. `cards`: text above the cards
   * of a carousel.
   */
  readonly form: 'plain' | 'rich' | 'replies' | 'link' | 'cards';
  readonly text: string | null;
  readonly mediaUrls: readonly string[];
}

export type FitResult =
  | { readonly ok: true; readonly fitted: Fitted }
  /** `field`: the field of a plain content that does not fit. */
  | { readonly ok: false; readonly field: 'text' | 'media'; readonly problem: string };

/** The form in which a content fits the limits, or the reason why it does not. */
export function fitContent(content: ChannelContent, carriage: Carriage): FitResult {
  const { rich } = content;
  if (rich === null) return fitPlain(content, carriage);
  if (carriage.rich === 'whole') return { ok: true, fitted: { form: 'rich', ...content } };
  const file = fileOf(rich);
  const words = wordsOf(rich);
  const buttons = carriage.rich === null ? null : chooseButtons(rich, carriage.rich);
  if (buttons !== null)
    return {
      ok: true,
      fitted: { form: buttons, text: words, mediaUrls: file === null ? [] : [file] },
    };
  // Without suggestions a file may go as a file, with the words to it.
  if (file !== null && listSuggestions(rich).suggestions.length === 0) {
    const fit = fitPlain({ text: words === '' ? null : words, mediaUrls: [file] }, carriage);
    if (fit.ok) return fit;
  }
  return fitPlain(content, carriage);
}

function chooseButtons(rich: RcsBody, limits: ButtonLimits): 'replies' | 'link' | 'cards' | null {
  const words = wordsOf(rich);
  if (words === '' || words.length > limits.textMax) return null;
  if (carouselOf(rich) !== null) return fitsAsCards(rich, limits) ? 'cards' : null;
  const file = fileOf(rich);
  if (file !== null && !limits.headers.includes(mediaKindOf(file))) return null;
  return chooseForm(listSuggestions(rich).suggestions, limits);
}

/** All cards alike: with images or with videos, and each with one link or with the same number of replies, which differ. */
function fitsAsCards(rich: RcsBody, limits: ButtonLimits): boolean {
  const cards = carouselOf(rich) ?? [];
  const ids = cards.flatMap(({ suggestions = [] }) =>
    suggestions.flatMap((each) => ('reply' in each ? each.reply.postbackData : [])),
  );
  if (new Set(ids).size < ids.length) return false;
  const shapes = cards.map((card) => {
    const words = wordsOfCard(card);
    const { suggestions = [] } = card;
    const form = chooseForm(suggestions, limits);
    return form === null ||
      words.length > limits.cardMax ||
      words.split('\n').length > limits.cardLinesMax
      ? null
      : `${form} ${suggestions.length} ${mediaKindOf(card.media?.contentInfo.fileUrl ?? '')}`;
  });
  return shapes[0] !== null && new Set(shapes).size === 1;
}

function chooseForm(
  suggestions: readonly RcsSuggestion[],
  limits: ButtonLimits,
): 'replies' | 'link' | null {
  const replies = suggestions.flatMap((each) => ('reply' in each ? each.reply : []));
  if (replies.length > 0)
    return replies.length === suggestions.length &&
      replies.length <= limits.repliesMax &&
      replies.every(
        ({ text, postbackData }) =>
          text.length <= limits.labelMax && postbackData.length <= limits.idMax,
      )
      ? 'replies'
      : null;
  const [only, ...others] = suggestions;
  return only !== undefined &&
    others.length === 0 &&
    'action' in only &&
    only.action.openUrlAction !== undefined &&
    only.action.text.length <= limits.labelMax
    ? 'link'
    : null;
}

function fitPlain(
  { text, mediaUrls }: Pick<ChannelContent, 'text' | 'mediaUrls'>,
  { textMax, mediaMax, captionMax, captioned }: Carriage,
): FitResult {
  const refuse = (field: 'text' | 'media', problem: string) =>
    ({ ok: false, field, problem }) as const;
  if (mediaUrls.length > mediaMax)
    return refuse(
      'media',
      mediaMax === 0
        ? 'no media can be sent'
        : `it has ${mediaUrls.length} media; at most ${mediaMax} can be sent in one message`,
    );
  if (text === null || text === '' || mediaUrls.length === 0)
    return (text?.length ?? 0) > textMax
      ? refuse('text', describeLength(text?.length ?? 0, textMax, 'a text'))
      : { ok: true, fitted: { form: 'plain', text, mediaUrls } };
  const bare = mediaUrls.map(mediaKindOf).find((kind) => !captioned.includes(kind));
  if (bare !== undefined)
    return refuse('text', `no text can be sent with a file of the kind "${bare}"`);
  return text.length > captionMax
    ? refuse('text', describeLength(text.length, captionMax, 'a text with media'))
    : { ok: true, fitted: { form: 'plain', text, mediaUrls } };
}

function describeLength(length: number, max: number, what: string): string {
  return `${what} has at most ${max} characters (UTF-16 units), and this one has ${length}`;
}

/** A carrier and channel, with its limits. */
export interface Route {
  readonly channel: Channel;
  readonly carrier: string;
  readonly carriage: Carriage;
}

/** Maximum length of a text that all of these accept with any media; 0 if it depends on the media. */
export function narrowestText(routes: readonly Route[], withMedia: boolean): number {
  return Math.min(
    ...routes.map(({ carriage: { textMax, captionMax, captioned, mediaMax } }) => {
      if (!withMedia) return textMax;
      return captioned.length === MEDIA_KINDS.length && mediaMax >= WHOLE.mediaMax ? captionMax : 0;
    }),
  );
}
