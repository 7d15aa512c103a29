/**
 * Rich content of RCS modules, with the field names of RCS Business Messaging. Its strings are templates in requests, and
 * rendered texts in messages. Pure.
 */

/** Heights of media. */
export const RCS_MEDIA_HEIGHTS = ['TALL', 'MEDIUM', 'SHORT'] as const;
export const RCS_CARD_ORIENTATIONS = ['HORIZONTAL', 'VERTICAL'] as const;
export const RCS_THUMBNAIL_ALIGNMENTS = ['LEFT', 'RIGHT'] as const;

/** Maximum numbers of suggestions: below a text or media, and on a card. */
export const RCS_SUGGESTIONS_MAX = 11;
export const RCS_CARD_SUGGESTIONS_MAX = 4;

export interface RcsMedia {
  readonly contentInfo: {
    readonly fileUrl: string;
    readonly thumbnailUrl?: string;
    readonly forceRefresh?: boolean;
  };
  readonly height?: (typeof RCS_MEDIA_HEIGHTS)[number];
}

/** Exactly one of the five actions. */
export interface RcsAction {
  readonly text: string;
  readonly postbackData: string;
  readonly openUrlAction?: { readonly url: string };
  readonly dialAction?: { readonly phoneNumber: string };
  readonly viewLocationAction?: {
    readonly latLong?: { readonly latitude: number; readonly longitude: number };
    readonly label?: string;
    readonly query?: string;
  };
  readonly createCalendarEventAction?: {
    readonly startTime: string;
    readonly endTime: string;
    readonly title: string;
    readonly description: string;
  };
  readonly shareLocationAction?: object;
}

export type RcsSuggestion =
  | { readonly reply: { readonly text: string; readonly postbackData: string } }
  | { readonly action: RcsAction };

export interface RcsCardContent {
  readonly title?: string;
  readonly description?: string;
  readonly media?: RcsMedia;
  readonly suggestions?: readonly RcsSuggestion[];
}

export interface RcsCard {
  readonly cardOrientation?: (typeof RCS_CARD_ORIENTATIONS)[number];
  readonly thumbnailImageAlignment?: (typeof RCS_THUMBNAIL_ALIGNMENTS)[number];
  readonly cardContent: RcsCardContent;
}

/** Cards side by side, 2 to 10. Only templates make it. */
export interface RcsCarousel {
  readonly cardWidth: 'SMALL' | 'MEDIUM';
  readonly cardContents: readonly RcsCardContent[];
}

export interface RcsCarouselBody {
  /** The text above the cards. RCS has no place for it. */
  readonly body?: string;
  readonly richCard: { readonly carouselCard: RcsCarousel };
}

export type RcsBody =
  | { readonly text: string; readonly suggestions?: readonly RcsSuggestion[] }
  | { readonly media: RcsMedia; readonly suggestions?: readonly RcsSuggestion[] }
  | { readonly richCard: { readonly standaloneCard: RcsCard } }
  | RcsCarouselBody;

/** The cards of a carousel; null for any other content. */
export function carouselOf(body: RcsBody): readonly RcsCardContent[] | null {
  return 'richCard' in body && 'carouselCard' in body.richCard
    ? body.richCard.carouselCard.cardContents
    : null;
}

/** A rich content as RCS shows it: a carousel has no text above. */
export function withoutBody(body: RcsBody): RcsBody {
  if (!('body' in body)) return body;
  const { richCard } = body;
  return { richCard };
}

/** The card of a standalone card, or null. */
function cardOf(body: RcsBody): RcsCardContent | null {
  return 'richCard' in body && 'standaloneCard' in body.richCard
    ? body.richCard.standaloneCard.cardContent
    : null;
}

/**
 * The text of a rich content without media and suggestions: for a card, title and description on two lines; for a
 * carousel, the text above the cards.
 */
export function wordsOf(body: RcsBody): string {
  if ('text' in body) return body.text;
  if ('body' in body) return body.body ?? '';
  const card = cardOf(body);
  return card === null ? '' : wordsOfCard(card);
}

/** Title and description of a card on two lines. */
export function wordsOfCard({ title = '', description = '' }: RcsCardContent): string {
  return [title, description].filter((line) => line !== '').join('\n');
}

/** The file of a rich content, or null. The cards of a carousel have files of their own. */
export function fileOf(body: RcsBody): string | null {
  if ('media' in body) return body.media.contentInfo.fileUrl;
  return cardOf(body)?.media?.contentInfo.fileUrl ?? null;
}

/**
 * A rich content as plain text, for channels with text only. It has lines for the text, the URL of the file, the replies
 * together, and each action with its effect. It contains all labels, links, numbers, places and times. It omits postback
 * data, which people never see. It adds only characters of the GSM alphabet: others would double the price of an SMS. The
 * cards of a carousel have a blank line between them.
 */
export function degradeRcs(body: RcsBody): string {
  const cards = carouselOf(body);
  if (cards === null)
    return describeCard(wordsOf(body), fileOf(body), listSuggestions(body).suggestions);
  const parts = cards.map((card) =>
    describeCard(
      wordsOfCard(card),
      card.media?.contentInfo.fileUrl ?? null,
      card.suggestions ?? [],
    ),
  );
  return [wordsOf(body), ...parts].filter((part) => part !== '').join('\n\n');
}

function describeCard(
  words: string,
  file: string | null,
  suggestions: readonly RcsSuggestion[],
): string {
  const replies: string[] = [];
  const actions: string[] = [];
  for (const suggestion of suggestions)
    if ('reply' in suggestion) replies.push(suggestion.reply.text);
    else actions.push(describeAction(suggestion.action));
  return [words, file ?? '', replies.join(' / '), ...actions]
    .filter((line) => line !== '')
    .join('\n');
}

function describeAction(action: RcsAction): string {
  const {
    text,
    openUrlAction: page,
    dialAction: call,
    viewLocationAction: place,
    createCalendarEventAction: event,
  } = action;
  const what = [
    page?.url,
    call?.phoneNumber,
    place?.label,
    place?.query,
    place?.latLong && `${place.latLong.latitude}, ${place.latLong.longitude}`,
    event?.title,
    event && `${event.startTime} - ${event.endTime}`,
    event?.description,
  ].filter((each) => each !== undefined && each !== '');
  return what.length === 0 ? text : `${text}: ${what.join(', ')}`;
}

/** The suggestions of a rich content, with their path. A carousel has none: its cards have them. */
export function listSuggestions(body: RcsBody): {
  readonly path: string;
  readonly suggestions: readonly RcsSuggestion[];
} {
  if (!('richCard' in body)) return { path: 'suggestions', suggestions: body.suggestions ?? [] };
  return {
    path: 'richCard.standaloneCard.cardContent.suggestions',
    suggestions: cardOf(body)?.suggestions ?? [],
  };
}
