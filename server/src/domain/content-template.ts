/**
 * Content templates: stored contents of several types, each for the channels that can show it. A send uses a copy. The
 * types are a part of the types of the hosted Content API. Pure.
 */
import type { RcsAction, RcsBody, RcsCardContent, RcsSuggestion } from './rcs.ts';
import type { Content } from './message.ts';

/** Buttons of a quick reply (WhatsApp within a session) and of a call to action; media of a message. */
export const QUICK_REPLIES_MAX = 10;
export const CALLS_TO_ACTION_MAX = 3;
export const TEMPLATE_MEDIA_MAX = 10;
/** Cards of a carousel, for RCS and WhatsApp alike, and buttons of each. */
export const CAROUSEL_CARDS_MIN = 2;
export const CAROUSEL_CARDS_MAX = 10;
export const CAROUSEL_ACTIONS_MAX = 2;
/** Title and body of a card together. */
export const CAROUSEL_CARD_TEXT_MAX = 160;
/** Variables with defaults of one template. */
export const TEMPLATE_VARIABLES_MAX = 100;

export interface QuickReply {
  readonly type?: 'QUICK_REPLY';
  readonly title: string;
  readonly id: string;
}

export type CallToAction =
  | { readonly type: 'URL'; readonly title: string; readonly url: string }
  | { readonly type: 'PHONE_NUMBER'; readonly title: string; readonly phone: string };

export type TemplateAction = QuickReply | CallToAction;

export interface CarouselCard {
  readonly title?: string;
  readonly body: string;
  readonly media: string;
  readonly actions: readonly TemplateAction[];
}

/** The contents of a template by type; at least one. Strings are Liquid templates; `{{1}}` is the variable "1". */
export interface TemplateTypes {
  readonly 'twilio/text'?: { readonly body: string };
  readonly 'twilio/media'?: { readonly body?: string; readonly media: readonly string[] };
  readonly 'twilio/quick-reply'?: {
    readonly body: string;
    readonly actions: readonly QuickReply[];
  };
  readonly 'twilio/call-to-action'?: {
    readonly body: string;
    readonly actions: readonly CallToAction[];
  };
  readonly 'twilio/card'?: {
    readonly title: string;
    readonly subtitle?: string;
    readonly body?: string;
    readonly media?: readonly string[];
    readonly actions?: readonly TemplateAction[];
  };
  /** RCS does not show the body. */
  readonly 'twilio/carousel'?: {
    readonly body: string;
    readonly cards: readonly CarouselCard[];
  };
}

export interface ContentTemplate {
  /** UUID of version 7. */
  readonly id: string;
  readonly friendlyName: string | null;
  readonly language: string | null;
  /** Values of variables that a recipient does not bring. */
  readonly variables: Readonly<Record<string, string>>;
  readonly types: TemplateTypes;
  readonly createdAt: Date;
}

/** The plain content of a template: its media, or else its text; null if it has only rich types. */
export function readPlainType(types: TemplateTypes): Content | null {
  const media = types['twilio/media'];
  if (media !== undefined) return { text: media.body ?? null, mediaUrls: media.media };
  const text = types['twilio/text'];
  return text === undefined ? null : { text: text.body, mediaUrls: [] };
}

/**
 * The richest type of a template as rich content: carousel, card, quick reply, call to action; null if it has none of
 * them.
 */
export function readRichType(types: TemplateTypes): RcsBody | null {
  const carousel = types['twilio/carousel'];
  if (carousel !== undefined)
    return {
      body: carousel.body,
      richCard: {
        carouselCard: { cardWidth: 'MEDIUM', cardContents: carousel.cards.map(toCardContent) },
      },
    };
  const card = types['twilio/card'];
  if (card !== undefined) {
    // RCS cards know no subtitle: it follows the body.
    const description = [card.body, card.subtitle].filter(Boolean).join('\n');
    const [fileUrl] = card.media ?? [];
    return {
      richCard: {
        standaloneCard: {
          cardContent: {
            title: card.title,
            ...(description === '' ? {} : { description }),
            ...(fileUrl === undefined ? {} : { media: { contentInfo: { fileUrl } } }),
            ...(card.actions === undefined ? {} : { suggestions: card.actions.map(toSuggestion) }),
          },
        },
      },
    };
  }
  const buttons = types['twilio/quick-reply'] ?? types['twilio/call-to-action'];
  if (buttons === undefined) return null;
  return { text: buttons.body, suggestions: buttons.actions.map(toSuggestion) };
}

function toCardContent({ title, body, media, actions }: CarouselCard): RcsCardContent {
  return {
    ...(title === undefined ? {} : { title }),
    description: body,
    // Required in a carousel.
    media: { height: 'MEDIUM', contentInfo: { fileUrl: media } },
    suggestions: actions.map(toSuggestion),
  };
}

/** The kind of a button: the cards of a carousel have the same kinds in the same order. */
export function kindOf(action: TemplateAction): string {
  return 'id' in action ? 'QUICK_REPLY' : action.type;
}

function toSuggestion(action: TemplateAction): RcsSuggestion {
  const { title } = action;
  if ('id' in action) return { reply: { text: title, postbackData: action.id } };
  const shared = { text: title, postbackData: title };
  const body: RcsAction =
    action.type === 'URL'
      ? { ...shared, openUrlAction: { url: action.url } }
      : { ...shared, dialAction: { phoneNumber: action.phone } };
  return { action: body };
}
