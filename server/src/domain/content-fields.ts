/**
 * The fields of a content that may contain Liquid, each with the rule for its rendered value: one table for texts,
 * modules and templates. All other values (enums, numbers, ids) are not rendered. Pure.
 *
 * RCS fields have the limits of RCS Business Messaging (suggestions, cards, calendar events), template fields the published
 * limits of the Content API, and locations our own.
 */
import { CAROUSEL_CARD_TEXT_MAX } from './content-template.ts';
import { readInstant, INSTANT_HINT } from './instant.ts';
import { EMAIL_BODY_MAX } from './email-content.ts';
import {
  findLineProblem,
  findSyntaxProblem,
  HEADER_VALUE_MAX,
  MESSAGE_ID,
  MESSAGE_ID_MAX,
} from './email-headers.ts';
import { stepOf } from './json-path.ts';
import { findUrlProblem, URL_LENGTH_MAX } from './url.ts';

/** Maximum length of a rendered text: ten SMS segments, more than any other channel accepts. */
export const TEXT_LENGTH_MAX = 1_600;

/** The rule for a rendered value. */
export interface FieldRule {
  readonly kind: 'text' | 'line' | 'header' | 'url' | 'phone' | 'instant';
  /** Of a header. */
  readonly name?: string;
  /** UTF-16 units. */
  readonly max: number;
  /** The treatment of an empty value: it is refused, leaves the field out, or is kept (texts). */
  readonly empty: 'refused' | 'dropped' | 'kept';
}

const text = (max: number, empty: FieldRule['empty'] = 'refused'): FieldRule => ({
  kind: 'text',
  max,
  empty,
});
const LINE_RULE: FieldRule = { kind: 'line', max: HEADER_VALUE_MAX, empty: 'refused' };
const URL_RULE: FieldRule = { kind: 'url', max: URL_LENGTH_MAX, empty: 'refused' };
const PHONE_RULE: FieldRule = { kind: 'phone', max: 16, empty: 'refused' };
const INSTANT_RULE: FieldRule = { kind: 'instant', max: 64, empty: 'refused' };

/** Rules by the end of a field's path; the longest match applies. */
const RULES: Readonly<Record<string, FieldRule>> = {
  text: text(TEXT_LENGTH_MAX, 'kept'),
  mediaUrls: URL_RULE,
  'email.subject': LINE_RULE,
  'email.html': text(EMAIL_BODY_MAX, 'kept'),
  'email.text': text(EMAIL_BODY_MAX, 'kept'),
  'sms.text': text(TEXT_LENGTH_MAX, 'kept'),
  'media.url': URL_RULE,
  'rcs.text': text(3_072),
  'reply.text': text(25),
  'reply.postbackData': text(2_048),
  'action.text': text(25),
  'action.postbackData': text(2_048),
  'openUrlAction.url': URL_RULE,
  'dialAction.phoneNumber': PHONE_RULE,
  'viewLocationAction.label': text(100, 'dropped'),
  'viewLocationAction.query': text(2_000),
  'createCalendarEventAction.startTime': INSTANT_RULE,
  'createCalendarEventAction.endTime': INSTANT_RULE,
  'createCalendarEventAction.title': text(100),
  'createCalendarEventAction.description': text(500),
  'contentInfo.fileUrl': URL_RULE,
  'contentInfo.thumbnailUrl': { ...URL_RULE, empty: 'dropped' },
  'cardContent.title': text(200, 'dropped'),
  'cardContent.description': text(2_000, 'dropped'),
  'twilio/text.body': text(TEXT_LENGTH_MAX, 'kept'),
  'twilio/media.body': text(TEXT_LENGTH_MAX, 'kept'),
  'twilio/media.media': URL_RULE,
  'twilio/quick-reply.body': text(1_024),
  'twilio/quick-reply.actions.title': text(20),
  'twilio/call-to-action.body': text(640),
  'twilio/card.title': text(200),
  'twilio/card.subtitle': text(60, 'dropped'),
  'twilio/card.body': text(TEXT_LENGTH_MAX, 'dropped'),
  'twilio/card.media': URL_RULE,
  'twilio/carousel.body': text(1_024),
  'cards.title': text(CAROUSEL_CARD_TEXT_MAX, 'dropped'),
  'cards.body': text(CAROUSEL_CARD_TEXT_MAX),
  'cards.media': URL_RULE,
  'actions.title': text(25),
  'actions.id': text(200),
  'actions.url': URL_RULE,
  'actions.phone': PHONE_RULE,
};

/** Maximum length of a rendered field, by its name in the table. @throws Error for an unknown name. */
export function limitOf(name: string): number {
  const rule = RULES[name];
  if (rule === undefined) throw new Error(`There is no rule for ${name}.`);
  return rule.max;
}

function ruleOfHeader(name: string): FieldRule {
  const max = name.toLowerCase() === MESSAGE_ID ? MESSAGE_ID_MAX : HEADER_VALUE_MAX;
  return { kind: 'header', name, max, empty: 'refused' };
}

function findRule(trail: readonly string[]): FieldRule | undefined {
  // Names of headers are the request's own.
  if (trail.at(-3) === 'email' && trail.at(-2) === 'headers')
    return ruleOfHeader(trail.at(-1) ?? '');
  const name = trail.slice(-3).join('.');
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule !== undefined || trail.length < 2) return rule;
  const shorter = trail.slice(-2).join('.');
  return Object.hasOwn(RULES, shorter) ? RULES[shorter] : undefined;
}

/** Called for each field in the order of the content; undefined omits the field. */
export type ReplaceField = (value: string, rule: FieldRule, path: string) => string | undefined;

/** A copy of a content with its fields replaced. Paths are without `$`: `modules[1].rcs.text`. */
export function mapFields<Value>(source: Value, replace: ReplaceField): Value {
  return mapValue(source, replace, '', []) as Value;
}

function mapValue(
  value: unknown,
  replace: ReplaceField,
  path: string,
  trail: readonly string[],
): unknown {
  if (typeof value === 'string') {
    const rule = findRule(trail);
    return rule === undefined ? value : replace(value, rule, path);
  }
  if (Array.isArray(value))
    return value.map((each, i) => mapValue(each, replace, `${path}[${i}]`, trail));
  if (typeof value !== 'object' || value === null) return value;
  const copy: [string, unknown][] = [];
  for (const [key, each] of Object.entries(value)) {
    const step = path === '' ? stepOf(key).replace(/^\./, '') : stepOf(key);
    const mapped = mapValue(each, replace, path + step, [...trail, key]);
    if (mapped !== undefined) copy.push([key, mapped]);
  }
  return Object.fromEntries(copy);
}

/** Whether a rule is the one of texts of messages, which have an error of their own when they are too long. */
export const isMessageText = ({ kind, max }: FieldRule): boolean =>
  kind === 'text' && max === TEXT_LENGTH_MAX;

export const exceedsText = (value: string, rule: FieldRule): boolean =>
  isMessageText(rule) && value.length > rule.max;

const E164 = /^\+[1-9]\d{1,14}$/;

/** The problem of a rendered value, or null. */
export function findValueProblem(value: string, rule: FieldRule): string | null {
  if (value.length > rule.max)
    return rule.kind === 'url'
      ? findUrlProblem(value)
      : `It has ${value.length} characters (UTF-16 units); at most ${rule.max} are allowed.`;
  if (value === '') return rule.empty === 'refused' ? 'It must not be empty.' : null;
  switch (rule.kind) {
    case 'text':
      return null;
    case 'line':
      return findLineProblem(value);
    case 'header':
      return findLineProblem(value) ?? findSyntaxProblem(rule.name ?? '', value);
    case 'url':
      return findUrlProblem(value);
    case 'phone':
      return E164.test(value)
        ? null
        : `"${value}" is not a number in E.164: + and up to 15 digits.`;
    case 'instant':
      return readInstant(value) === null
        ? `"${value}" is not a date and time with zone; ${INSTANT_HINT}.`
        : null;
  }
}

/** A problem of a content, and its path in `content`. */
export interface ContentProblem {
  /** `text`, `media[2].url` or `modules[1].rcs.suggestions[3].action.text`. */
  readonly path: string;
  readonly message: string;
  /** Whether the text of a message exceeds its maximum. */
  readonly isTooLong?: boolean;
}
