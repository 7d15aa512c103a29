/** Content: the words and media of a message, parsed once per operation and rendered per recipient. Pure. */
import { parseTemplate, renderTemplate, type Template } from './liquid.ts';
import type { Content } from './message.ts';

/** Characters of a rendered text: ten SMS segments and more than any channel here takes. */
export const TEXT_LENGTH_MAX = 1_600;
/** Characters of a rendered URL. */
export const URL_LENGTH_MAX = 2_048;

export interface ParsedContent {
  readonly text: Template | null;
  readonly mediaUrls: readonly Template[];
}

/** What is wrong with a template, and where in `content` it stands. */
export interface ContentProblem {
  /** `text` or `media[2].url`. */
  readonly path: string;
  readonly message: string;
}

/** Parses the templates of a content, reporting all that do not parse. */
export function parseContent(
  content: Content,
): { ok: true; content: ParsedContent } | { ok: false; problems: ContentProblem[] } {
  const problems: ContentProblem[] = [];
  const parse = (source: string, path: string): Template | null => {
    const parsed = parseTemplate(source);
    if (parsed.ok) return parsed.template;
    problems.push({ path, message: parsed.problem.message });
    return null;
  };
  const text = content.text === null ? null : parse(content.text, 'text');
  const mediaUrls = content.mediaUrls.flatMap((url, i) => parse(url, `media[${i}].url`) ?? []);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, content: { text, mediaUrls } };
}

export type RenderedContent =
  | { readonly ok: true; readonly content: Content }
  | {
      readonly ok: false;
      readonly path: string;
      readonly missing: string | null;
      readonly problem: string;
    };

/**
 * Renders a content for one recipient. The same arguments give the same words, so that a retry, a resend
 * after a crash and a later look at the message agree.
 */
export function renderContent(
  content: ParsedContent,
  variables: Readonly<Record<string, string>> | null,
  at: Date,
  options: { readonly requireVariables: boolean },
): RenderedContent {
  let text: string | null = null;
  if (content.text !== null) {
    const rendered = renderTemplate(content.text, variables, at, {
      requireVariables: options.requireVariables,
      lengthMax: TEXT_LENGTH_MAX,
    });
    if (!rendered.ok) return describe(rendered, 'text');
    text = rendered.text;
  }
  if (content.mediaUrls.length === 0) return { ok: true, content: { text, mediaUrls: [] } };
  const mediaUrls: string[] = [];
  for (const [i, template] of content.mediaUrls.entries()) {
    const rendered = renderTemplate(template, variables, at, {
      requireVariables: options.requireVariables,
      lengthMax: URL_LENGTH_MAX,
    });
    if (!rendered.ok) return describe(rendered, `media[${i}].url`);
    mediaUrls.push(rendered.text);
  }
  return { ok: true, content: { text, mediaUrls } };
}

function describe(
  failure: { readonly missing: string } | { readonly problem: string },
  path: string,
): RenderedContent {
  return 'missing' in failure
    ? {
        ok: false,
        path,
        missing: failure.missing,
        problem: `The variable "${failure.missing}" has no value.`,
      }
    : { ok: false, path, missing: null, problem: failure.problem };
}
