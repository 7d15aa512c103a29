/**
 * Body templates: JSON with Liquid strings. A template is compiled once. Rendering puts values into a JSON value, never
 * into JSON text, so the text of a message cannot change the structure of a body. Pure.
 */
import type { Fitted } from '../../domain/carriage.ts';
import { parseTemplate, renderTemplate, requiredVariables } from '../../domain/liquid.ts';
import { mediaKindOf, mediaNameOf } from '../../domain/media.ts';
import { carouselOf, listSuggestions, wordsOfCard, type RcsBody } from '../../domain/rcs.ts';
import type { Submission } from '../carrier.ts';
import type { BodyTemplate } from './description.ts';
import { findValue, parsePointer, placeOf, type Place } from './pointer.ts';

/** The variables of one submission: texts for Liquid, and all values for pointers. */
export interface Scope {
  readonly variables: Readonly<Record<string, string>>;
  readonly place: Place;
  readonly at: Date;
}

/** A compiled template. Undefined: the result is empty. Throws only `RenderFailure`. */
export type Renderer<Value> = (scope: Scope) => Value | undefined;

/** A template cannot be rendered for this submission. */
export class RenderFailure extends Error {
  override readonly name = 'RenderFailure';
}

/** Names of the variables. */
const VARIABLES = [
  'reference',
  'messageUuid',
  'channel',
  'from',
  'fromDigits',
  'to',
  'toDigits',
  'text',
  'mediaUrl',
  'mediaKind',
  'mediaName',
  'contentForm',
  'expireAt',
  'expireInSeconds',
  'receiptsUrl',
  'item',
] as const;

/** Longer than any body a provider takes. */
const LENGTH_MAX = 65_536;

/** The scope of a submission at a time. */
export function scopeOf(
  submission: Submission,
  at: Date,
  extra: {
    /** The form of the content that the provider gets. */
    readonly fitted: Fitted;
    readonly messageUuid: string;
    readonly receiptsUrl: string | null;
  },
): Scope {
  const { expireAt, rich, ...rest } = submission;
  const { form, text, mediaUrls } = extra.fitted;
  const [mediaUrl = ''] = mediaUrls;
  const secondsLeft =
    expireAt === null ? null : Math.max(1, Math.floor((expireAt.getTime() - at.getTime()) / 1000));
  const variables: Record<(typeof VARIABLES)[number], string> = {
    reference: submission.reference,
    messageUuid: extra.messageUuid,
    channel: submission.channel,
    from: submission.from,
    fromDigits: submission.from.replaceAll(/\D/g, ''),
    to: submission.to,
    toDigits: submission.to.replaceAll(/\D/g, ''),
    text: text ?? '',
    mediaUrl,
    mediaKind: mediaUrl === '' ? '' : mediaKindOf(mediaUrl),
    mediaName: mediaUrl === '' ? '' : mediaNameOf(mediaUrl),
    contentForm: form,
    expireAt: expireAt?.toISOString() ?? '',
    expireInSeconds: secondsLeft === null ? '' : String(secondsLeft),
    receiptsUrl: extra.receiptsUrl ?? '',
    item: '',
  };
  const suggestions = rich === null ? [] : listSuggestions(rich).suggestions;
  const cards = rich === null ? [] : listCards(rich);
  const place = placeOf({ ...rest, ...variables, mediaUrls, rich, suggestions, cards });
  return { variables, place, at };
}

/** The cards of a carousel, each with its parts. */
function listCards(rich: RcsBody): readonly object[] {
  return (carouselOf(rich) ?? []).map((card, index) => {
    const mediaUrl = card.media?.contentInfo.fileUrl ?? '';
    return {
      index,
      text: wordsOfCard(card),
      mediaUrl,
      mediaKind: mediaUrl === '' ? '' : mediaKindOf(mediaUrl),
      suggestions: card.suggestions ?? [],
    };
  });
}

/** Compiles one string. @throws Error with the problem. */
export function compileText(source: string): Renderer<string> {
  const parsed = parseTemplate(source);
  if (!parsed.ok) throw new Error(`"${source}" is not a template: ${parsed.problem.message}`);
  const { template } = parsed;
  const unknown = requiredVariables(template)?.find((name) => !isVariable(name));
  if (unknown !== undefined)
    throw new Error(`There is no variable "${unknown}"; known are ${VARIABLES.join(', ')}.`);
  return ({ variables, at }) => {
    const result = renderTemplate(template, variables, at, {
      requireVariables: true,
      lengthMax: LENGTH_MAX,
    });
    if (result.ok) return result.text === '' ? undefined : result.text;
    throw new RenderFailure(
      'missing' in result ? `There is no variable "${result.missing}".` : result.problem,
    );
  };
}

function isVariable(name: string): boolean {
  return (VARIABLES as readonly string[]).includes(name);
}

/** Compiles a body template. @throws Error with the problem. */
export function compileBody(template: BodyTemplate): Renderer<unknown> {
  if (typeof template === 'string') {
    // An empty string that someone wrote down is meant.
    return template === '' ? () => '' : compileText(template);
  }
  if (typeof template !== 'object' || template === null) return () => template;
  if (Array.isArray(template)) return compileList(template);
  const object = template as { readonly [name: string]: BodyTemplate };
  const form = Object.keys(object).find((name) => name.startsWith('$'));
  return form === undefined ? compileObject(object) : compileForm(form, object);
}

function compileList(template: readonly BodyTemplate[]): Renderer<unknown> {
  const items = template.map(compileBody);
  return (scope) => {
    const values = items.map((render) => render(scope)).filter((value) => value !== undefined);
    return values.length === 0 && items.length > 0 ? undefined : values;
  };
}

function compileObject(template: { readonly [name: string]: BodyTemplate }): Renderer<unknown> {
  const members = Object.entries(template).map(
    ([name, each]) => [name, compileBody(each)] as const,
  );
  return (scope) => {
    const entries = members
      .map(([name, render]) => [name, render(scope)] as const)
      .filter(([, value]) => value !== undefined);
    // Not by assignment: a member may be called "__proto__".
    return entries.length === 0 && members.length > 0 ? undefined : Object.fromEntries(entries);
  };
}

/** Special forms and the members they have. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  $value: ['$value'],
  $each: ['$each', 'item'],
  $first: ['$first', 'item'],
  $switch: ['$switch'],
};

function compileForm(
  form: string,
  template: { readonly [name: string]: BodyTemplate },
): Renderer<unknown> {
  const allowed = FORMS[form];
  if (allowed === undefined)
    throw new Error(`"${form}" is no special form; known are ${Object.keys(FORMS).join(', ')}.`);
  const stray = Object.keys(template).find((name) => !allowed.includes(name));
  if (stray !== undefined) throw new Error(`"${stray}" does not belong beside "${form}".`);
  if (form === '$value') return compileValue(template['$value']);
  if (form === '$switch') return compileSwitch(template['$switch']);
  const render = compileEach(template[form], template['item'] ?? null);
  return form === '$each' ? render : (scope) => render(scope)?.[0];
}

/** A value as it is. */
function compileValue(source: unknown): Renderer<unknown> {
  const pointer = parsePointer(String(source));
  return ({ place }) => {
    const value = findValue(place, pointer);
    return isEmpty(value) ? undefined : value;
  };
}

/** A template for every member of a list, which is `item` to it: in words if it is a string, and to pointers. */
function compileEach(source: unknown, item: BodyTemplate): Renderer<readonly unknown[]> {
  const pointer = parsePointer(String(source));
  const render = compileBody(item);
  return (scope) => {
    const list = findValue(scope.place, pointer);
    if (!Array.isArray(list)) return undefined;
    const values = list
      .map((each: unknown) =>
        render({
          ...scope,
          variables: { ...scope.variables, item: typeof each === 'string' ? each : '' },
          place: placeOf({ ...(scope.place.value as object), item: each }),
        }),
      )
      .filter((value) => value !== undefined);
    return values.length === 0 ? undefined : values;
  };
}

/** The first case whose pointer has a match, or with `is` that value; a case without `when` always applies. */
function compileSwitch(source: unknown): Renderer<unknown> {
  if (!Array.isArray(source)) throw new Error('"$switch" needs a list of cases.');
  const cases = (source as Readonly<Record<string, BodyTemplate>>[]).map((each) => {
    const stray = Object.keys(each).find((name) => !['when', 'is', 'use'].includes(name));
    if (stray !== undefined || each['use'] === undefined)
      throw new Error('A case of "$switch" has "use", and perhaps "when" and "is".');
    return {
      pointer: each['when'] === undefined ? null : parsePointer(String(each['when'])),
      is: each['is'],
      render: compileBody(each['use']),
    };
  });
  return (scope) => {
    const found = cases.find(({ pointer, is }) => {
      if (pointer === null) return true;
      const value = findValue(scope.place, pointer);
      return is === undefined ? !isEmpty(value) : value === is;
    });
    return found?.render(scope);
  };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}
