/**
 * Renders the words of a message as they were or will be sent. The same input always gives the
 * same words. Pure.
 */
import { parseContent, renderContent, type OperationContent } from '../domain/content.ts';

/** The data to render a message. */
export interface Words {
  readonly content: OperationContent;
  readonly variables: Readonly<Record<string, string>> | null;
  /** The time templates see as "now". */
  readonly at: Date;
}

/** Characters of a content that takes no time worth speaking of. */
const SHORT_LENGTH_MAX = 4_096;

/** Whether rendering takes so little that another thread need not do it: short, and without tags, which may loop. */
export function isQuicklyRendered({ content }: Words): boolean {
  const text = JSON.stringify(content);
  return text.length <= SHORT_LENGTH_MAX && !text.includes('{%');
}

/** The content of one message; as it was given where it cannot be rendered. */
export function renderWords({ content, variables, at }: Words): OperationContent {
  const parsed = parseContent(content);
  if (!parsed.ok) return content;
  const rendered = renderContent(parsed.content, variables, at, { requireVariables: false });
  return rendered.ok ? rendered.content : content;
}
