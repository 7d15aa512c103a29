/** Checks the tags of a request, whose values may have placeholders, and renders them for recipients. Pure. */
import type { Problem } from '../domain/errors.ts';
import { isConstant, parseTemplate, renderTemplate, type Template } from '../domain/liquid.ts';
import { missingVariable, type Rendering, type Variables } from './content.ts';
import { problem, valid, type Checked } from './problems.ts';

/** Parsed values by key. */
export type TagTemplates = ReadonlyMap<string, Template>;

const TAG_VALUE = /^[a-zA-Z0-9._~-]{1,256}$/;
const VALUE_LENGTH_MAX = 256;

function describeValue(value: string): string {
  return `The tag's value is "${value.slice(0, 60)}"; use 1 to 256 of letters, digits and . _ ~ -.`;
}

/** The templates of the correct values; null if all values are literal, and the same for all recipients. */
export function readTags(tags: Readonly<Record<string, string>>): Checked<TagTemplates | null> {
  const templates = new Map<string, Template>();
  const problems: Problem[] = [];
  let isLiteral = true;
  for (const [key, value] of Object.entries(tags)) {
    const parsed = parseTemplate(value);
    if (!parsed.ok) {
      problems.push(problem('template', parsed.problem.message, `$.tags.${key}`));
      continue;
    }
    const isFixed = isConstant(parsed.template);
    isLiteral &&= isFixed;
    if (isFixed && !TAG_VALUE.test(value))
      problems.push(problem('tag', describeValue(value), `$.tags.${key}`));
    else templates.set(key, parsed.template);
  }
  return { value: isLiteral ? null : templates, problems };
}

/** The tags of a recipient; null if they are the same for all recipients. */
export function renderTags(
  templates: TagTemplates | null,
  variables: Variables,
  ordinal: number,
  { renderAt, requireVariables, places }: Rendering,
): Checked<Readonly<Record<string, string>> | null> {
  if (templates === null) return valid(null);
  const tags: [string, string][] = [];
  const problems: Problem[] = [];
  const options = { requireVariables, lengthMax: VALUE_LENGTH_MAX };
  for (const [key, template] of templates) {
    const rendered = renderTemplate(template, variables, renderAt, options);
    if (rendered.ok && TAG_VALUE.test(rendered.text)) tags.push([key, rendered.text]);
    else if (rendered.ok) {
      const message = `For ${places.name(ordinal)}: ${describeValue(rendered.text)}`;
      problems.push(problem('tag', message, `$.tags.${key}`));
    } else if ('missing' in rendered)
      problems.push(missingVariable(places, ordinal, rendered.missing));
    else {
      const message = `The tag cannot be rendered for ${places.name(ordinal)}: ${rendered.problem}`;
      problems.push(problem('template', message, `$.tags.${key}`));
    }
  }
  return { value: Object.fromEntries(tags), problems };
}
