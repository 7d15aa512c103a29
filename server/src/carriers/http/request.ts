/** Builds the HTTP request of a submission: method, path, headers and body. Pure. */
import { createHash } from 'node:crypto';
import { parseAttemptReference } from '../../domain/ids.ts';
import { fitContent, type Carriage } from '../../domain/carriage.ts';
import type { Channel } from '../../domain/message.ts';
import type { Submission } from '../carrier.ts';
import { carriageOfRequest } from './carriage.ts';
import type { RequestDescription } from './description.ts';
import { compileBody, compileText, RenderFailure, scopeOf, type Scope } from './template.ts';

/** A request ready to go. */
export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** A request with the variables of its templates, or the reason why there is none. */
export type ComposedRequest =
  | { readonly ok: true; readonly request: HttpRequest; readonly scope: Scope }
  | { readonly ok: false; readonly problem: string };

/** Turns submissions into requests. */
export interface RequestComposer {
  /** `https://host:port` */
  readonly origin: string;
  /** Never throws: a problem gives the reason why this submission cannot be sent. */
  compose(submission: Submission, at: Date): ComposedRequest;
}

/** Visible ASCII, blanks and tabs: every server accepts these in a header. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

const PATH = /^\/[\x21-\x7e]*$/;
/** Servers read these as a step up, in any encoding. */
const DOTS = /^[^?]*\/\.\.?(?:[/?]|$)/;

/**
 * Makes a description ready.
 * @throws Error when something in it cannot work, with a sentence for its author.
 */
export function createComposer(
  description: RequestDescription,
  receiptsUrl: string | null,
): RequestComposer {
  const { origin, path: pathTemplate } = splitUrl(description.url);
  const renderPath = compileText(pathTemplate);
  const renderHeaders = Object.entries(description.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), compileText(value)] as const,
  );
  const renderBody = description.body === undefined ? null : compileBody(description.body.template);
  const { method, body: { kind = 'json' } = {} } = description;
  const carriages = new Map<Channel, Carriage>();

  function findCarriage(channel: Channel): Carriage {
    const known = carriages.get(channel);
    if (known !== undefined) return known;
    const carriage = carriageOfRequest(description, channel);
    carriages.set(channel, carriage);
    return carriage;
  }

  function render(submission: Submission, at: Date): ComposedRequest {
    const fit = fitContent(submission, findCarriage(submission.channel));
    if (!fit.ok) throw new RenderFailure(`As ${submission.channel} ${fit.problem}.`);
    const scope = scopeOf(submission, at, {
      fitted: fit.fitted,
      messageUuid: messageUuidOf(submission),
      receiptsUrl,
    });
    const body = renderBody === null ? null : encodeBody(kind, renderBody(scope));
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'fanfare' };
    if (body !== null)
      headers['content-type'] =
        kind === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
    for (const [name, each] of renderHeaders) {
      const value = each(scope) ?? '';
      if (!HEADER_VALUE.test(value))
        throw new RenderFailure(`The header "${name}" would have characters that it cannot have.`);
      headers[name] = value;
    }
    const path = renderPath(encodeVariables(scope)) ?? '/';
    if (!PATH.test(path) || DOTS.test(path))
      throw new RenderFailure(`"${path}" cannot be the path of a URL.`);
    return { ok: true, request: { method, path, headers, body }, scope };
  }

  return {
    origin,
    compose(submission, at) {
      try {
        return render(submission, at);
      } catch (error) {
        if (error instanceof RenderFailure) return { ok: false, problem: error.message };
        throw error;
      }
    },
  };
}

/** The origin is fixed: a message must not choose the server that credentials are sent to. */
function splitUrl(url: string): { origin: string; path: string } {
  const [, origin = '', path = '/'] = /^(https?:\/\/[^/?#{}\\\s@]+)([/?][^#]*)?$/i.exec(url) ?? [];
  if (origin === '' || !URL.canParse(origin))
    throw new Error(
      `"${url}" is not a URL with a fixed host; write it like https://host.example/messages/{{ to }}.`,
    );
  return { origin: new URL(origin).origin, path: path.startsWith('?') ? `/${path}` : path };
}

/** Values in a path are percent-encoded, so that none of them adds a step. */
function encodeVariables(scope: Scope): Scope {
  return {
    ...scope,
    variables: Object.fromEntries(
      Object.entries(scope.variables).map(([name, value]) => [
        name,
        encodeURIComponent(value.toWellFormed()),
      ]),
    ),
  };
}

function encodeBody(kind: 'json' | 'form', value: unknown): string {
  if (kind === 'json') return JSON.stringify(value ?? {});
  const form = new URLSearchParams();
  for (const [name, each] of Object.entries(value ?? {}))
    for (const one of Array.isArray(each) ? (each as unknown[]) : [each]) {
      if (typeof one === 'object' && one !== null)
        throw new RenderFailure(`The field "${name}" of a form must be text or a list of texts.`);
      form.append(name, String(one));
    }
  return form.toString();
}

/**
 * A UUID that all attempts of a message from one sender share. A provider that accepts an id once never sends such a
 * message twice. Version 5 (RFC 9562, section 5.5).
 */
function messageUuidOf({ reference, from }: Submission): string {
  const known = parseAttemptReference(reference);
  const name =
    known === null ? `${reference} ${from}` : `${known.accountId} ${known.messageUuid} ${from}`;
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes
    .toString('hex', 0, 16)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Chosen once, at random; a change would break the receipts of messages under way. */
const NAMESPACE = Buffer.from('35f3f68d746f14cb66877a33e785b77d', 'hex');
