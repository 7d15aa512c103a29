/**
 * Rich content: what an RCS module says, in the words of the API, which are those of RCS Business Messaging. As
 * requested its strings are templates, as sent they are rendered. Pure.
 */

/** Heights of media. */
export const RCS_MEDIA_HEIGHTS = ['TALL', 'MEDIUM', 'SHORT'] as const;
export const RCS_CARD_ORIENTATIONS = ['HORIZONTAL', 'VERTICAL'] as const;
export const RCS_THUMBNAIL_ALIGNMENTS = ['LEFT', 'RIGHT'] as const;

/** Suggestions below a text or a medium, and on a card. */
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

export interface RcsCard {
  readonly cardOrientation?: (typeof RCS_CARD_ORIENTATIONS)[number];
  readonly thumbnailImageAlignment?: (typeof RCS_THUMBNAIL_ALIGNMENTS)[number];
  readonly cardContent: {
    readonly title?: string;
    readonly description?: string;
    readonly media?: RcsMedia;
    readonly suggestions?: readonly RcsSuggestion[];
  };
}

export type RcsBody =
  | { readonly text: string; readonly suggestions?: readonly RcsSuggestion[] }
  | { readonly media: RcsMedia; readonly suggestions?: readonly RcsSuggestion[] }
  | { readonly richCard: { readonly standaloneCard: RcsCard } };

/** The words of a rich content beside its media and suggestions: its text; of a card, title and description on two lines. */
export function wordsOf(body: RcsBody): string {
  if ('text' in body) return body.text;
  if ('media' in body) return '';
  const { title = '', description = '' } = body.richCard.standaloneCard.cardContent;
  return [title, description].filter((line) => line !== '').join('\n');
}

/** The file of a rich content, or null. */
export function fileOf(body: RcsBody): string | null {
  if ('media' in body) return body.media.contentInfo.fileUrl;
  if (!('richCard' in body)) return null;
  return body.richCard.standaloneCard.cardContent.media?.contentInfo.fileUrl ?? null;
}

/**
 * All of a rich content in plain words, for a channel that shows words only, a line each: its words, the URL of its file,
 * its replies side by side, and each action with what it would do. Nothing that says something is left out: not the
 * labels, links, numbers, places and times. Postback data says nothing to people. No character is added that is not in the
 * GSM alphabet: it would double the price of a text.
 */
export function degradeRcs(body: RcsBody): string {
  const replies: string[] = [];
  const actions: string[] = [];
  for (const suggestion of listSuggestions(body).suggestions)
    if ('reply' in suggestion) replies.push(suggestion.reply.text);
    else actions.push(describeAction(suggestion.action));
  return [wordsOf(body), fileOf(body) ?? '', replies.join(' / '), ...actions]
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

/** The suggestions of a rich content, and where in it they stand. */
export function listSuggestions(body: RcsBody): {
  readonly path: string;
  readonly suggestions: readonly RcsSuggestion[];
} {
  if (!('richCard' in body)) return { path: 'suggestions', suggestions: body.suggestions ?? [] };
  return {
    path: 'richCard.standaloneCard.cardContent.suggestions',
    suggestions: body.richCard.standaloneCard.cardContent.suggestions ?? [],
  };
}
