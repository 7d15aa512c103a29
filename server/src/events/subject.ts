/**
 * Subjects of NATS made from a template: `{type}` is the event's type, whose dots separate tokens,
 * and `{key}` its key as one token. Characters that a subject cannot have (spaces, wildcards,
 * empty tokens) become `_`. Pure.
 */
import type { EncodedEvent } from './sink.ts';

/** Longest template, in characters. */
export const SUBJECT_TEMPLATE_MAX = 200;

const PLACEHOLDERS = ['{type}', '{key}'];
const SUBJECT = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** The problem of a template, in a sentence; null if there is none. */
export function findSubjectProblem(template: string): string | null {
  if (template.length > SUBJECT_TEMPLATE_MAX)
    return `has more than ${SUBJECT_TEMPLATE_MAX} characters.`;
  const unknown = (template.match(/\{[^}]*\}?/g) ?? []).find(
    (each) => !PLACEHOLDERS.includes(each),
  );
  if (unknown !== undefined)
    return `there is no ${unknown}; a subject can have ${PLACEHOLDERS.join(' and ')}.`;
  return SUBJECT.test(template.replaceAll('{type}', 'x').replaceAll('{key}', 'x'))
    ? null
    : 'must be letters, digits, _, - and placeholders, in tokens with dots between, as "fanfare.{type}".';
}

/** The subject of an event, of a template without problems. */
export function composeSubject(template: string, { type, key }: EncodedEvent): string {
  // Functions: in a text `$` would mean something.
  return template
    .replaceAll('{type}', () => type.split('.').map(tokenOf).join('.'))
    .replaceAll('{key}', () => tokenOf(key));
}

function tokenOf(text: string): string {
  return text === '' ? '_' : text.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
