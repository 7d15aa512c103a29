/**
 * The last steps to `/openapi.json`, for programs that generate clients and for readers: schemas get names, choices are
 * alternatives, and operations get examples. It is loaded when the document is asked for the first time.
 */
import { isDeepStrictEqual } from 'node:util';
import { ERRORS } from '../../domain/errors.ts';
import { EXAMPLES } from './examples.ts';
import type { OperationExamples } from './example-parts.ts';

type Json = Record<string, unknown>;
type Named = Record<string, Json>;

interface Media {
  readonly schema: Json;
  examples?: Json;
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Record<string, { readonly content?: Readonly<Record<string, Media>> }>;
}

interface Document {
  readonly components: Json & { readonly schemas: Named };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** The document with all steps done; the argument is not changed. */
export function completeDocument(raw: object): object {
  const document = structuredClone(raw) as Document;
  const named = new Names(document.components.schemas);
  const components = {
    ...document.components,
    schemas: named.all,
    examples: errorExamples(),
  };
  const paths = named.replaceIn(document.paths) as Document['paths'];
  for (const methods of Object.values(paths))
    for (const operation of Object.values(methods)) completeOperation(operation, named.all);
  return { ...document, components, paths };
}

function completeOperation(operation: Operation, schemas: Named): void {
  const { requests, answers } = EXAMPLES[operation.operationId] ?? { requests: {}, answers: {} };
  const body = operation.requestBody;
  if (body !== undefined) {
    const [media] = Object.values(body.content);
    const name = String(media?.schema['$ref']).split('/').at(-1) ?? '';
    if ([schemas[name]?.['type']].flat().includes('null')) body.required = false;
    if (media !== undefined) media.examples = valuesOf(requests);
  }
  for (const [status, { content }] of Object.entries(operation.responses))
    for (const media of Object.values(content ?? {}))
      media.examples =
        Number(status) >= 400 && answers[Number(status)] === undefined
          ? { error: { $ref: `#/components/examples/Error${status}` } }
          : valuesOf(answers[Number(status)]);
}

const valuesOf = (examples: OperationExamples['requests'] = {}): Json =>
  Object.fromEntries(
    Object.entries(examples).map(([name, { summary, value }]) => [name, { summary, value }]),
  );

/** One refusal for each status. */
function errorExamples(): Json {
  const examples: Json = {};
  for (const { status, code, message } of Object.values(ERRORS)) {
    if (status === null || `Error${status}` in examples) continue;
    const infoUrl = `https://fanfare.example.com/docs/errors#${code}`;
    const context = status === 400 ? '$.to[0].address' : 'null';
    examples[`Error${status}`] = {
      summary: message,
      value: { errors: [{ code, message, infoUrl, context }], total: 1, code, message, status },
    };
  }
  return examples;
}

/** Notes for our own checks, which mean nothing to others. */
const PRIVATE = new Set(['x-hint', 'x-error', 'x-unique-by', 'title']);

/** The named schemas. A schema with a title moves to them, and is referred to. */
class Names {
  readonly all: Named = {};

  constructor(schemas: Named) {
    for (const [name, schema] of Object.entries(schemas)) {
      if (name in this.all) throw new Error(`Two schemas have the name ${name}.`);
      this.all[name] = this.replaceIn(schema) as Json;
    }
    this.all = Object.fromEntries(
      Object.entries(this.all).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  /** A copy of a value with references in place of schemas with titles. */
  replaceIn(value: unknown, isFieldMap = false): unknown {
    if (Array.isArray(value)) return value.map((each) => this.replaceIn(each));
    if (typeof value !== 'object' || value === null) return value;
    const own = value as Json;
    if (isFieldMap)
      return Object.fromEntries(
        Object.entries(own).map(([key, each]) => [key, this.replaceIn(each)]),
      );
    const copy: Json = {};
    if ('if' in own) copy['anyOf'] = armsOf(own).map((each) => this.replaceIn(each));
    else
      for (const [key, each] of Object.entries(own))
        if (!PRIVATE.has(key)) copy[key] = this.replaceIn(each, key === 'properties');
    const { title, enum: words } = own;
    if (typeof title !== 'string' || !('type' in own || 'anyOf' in own)) return copy;
    // Constants of enumerations share one namespace in Go.
    if (Array.isArray(words))
      copy['x-enum-varnames'] = words.map((each) => constantOf(`${title} ${String(each)}`));
    return this.#name(title, copy);
  }

  #name(title: string, schema: Json): Json {
    const known = (this.all[title] ??= schema);
    const { description, ...rest } = schema;
    const { description: knownDescription, ...knownRest } = known;
    if (!isDeepStrictEqual(rest, knownRest))
      throw new Error(`Two schemas have the title ${title}.`);
    const $ref = `#/components/schemas/${title}`;
    return description === knownDescription ? { $ref } : { $ref, description };
  }
}

/** A name such as MESSAGE_STATUS_SENT. */
const constantOf = (words: string) =>
  words
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();

/** The forms of a choice by key, as alternatives: generators of clients do not know "if". */
function armsOf(schema: Json): Json[] {
  const { then, else: rest } = schema as { then: Json; else: Json };
  return 'if' in rest ? [then, ...armsOf(rest)] : [then];
}
