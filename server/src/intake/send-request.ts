/**
 * Checks the body of a send part by part. Alternatives of a recipient, a content or a sender are
 * recognised by their key, so errors refer to the intended alternative, and a hostile body costs
 * no more than its reading.
 */
import type { Problem } from '../domain/errors.ts';
import { stepOf } from '../domain/json-path.ts';
import { RECIPIENTS_MAX } from '../domain/operation.ts';
import { findOtherRecipient } from '../domain/other-recipients.ts';
import type { RequestedRecipient, SendHead, SendRequest } from '../domain/send-request.ts';
import { findUnstorable, UNSTORABLE } from '../domain/storable.ts';
import { problem, ProblemList } from './problems.ts';
import type { Work } from '../lib/fair-share.ts';
import { Type, type TSchema } from 'typebox';
import { compileCheck, type Check } from '../shapes/check.ts';
import { Refusal } from '../shapes/refusal.ts';
import { CONTENT_ARMS } from '../shapes/content.ts';
import { SEND_FIELDS } from '../shapes/parts.ts';
import { RECIPIENT_ARMS, SENDER_ARMS } from '../shapes/api.ts';

/** Arms by the key that shows them; the last one is meant when none of the others is. */
export type Arms = readonly (readonly [key: string, check: Check])[];

/** The form of a body: its parts by their arms, and the fields beside them. */
export interface SendForm {
  readonly fields: Check;
  readonly recipients: Arms;
  readonly content: Arms;
  readonly from: Arms;
  /** The problems of a part with a correct shape. */
  readonly inspect?: (part: 'to' | 'content' | 'from', value: unknown, path: string) => Problem[];
}

/** Checks the fields of a form; its parts are looked at one by one. */
export function compileFields(
  fields: Readonly<Record<string, TSchema>>,
  { needsSender }: { readonly needsSender: boolean },
): Check {
  return compileCheck(
    Type.Object(
      {
        to: Type.Array(Type.Unknown(), { minItems: 1, 'x-error': 'recipients' }),
        content: Type.Unknown(),
        from: needsSender ? Type.Unknown() : Type.Optional(Type.Unknown()),
        ...fields,
      },
      { additionalProperties: false },
    ),
  );
}

const MESSAGES: SendForm = {
  fields: compileFields(SEND_FIELDS, { needsSender: false }),
  recipients: [
    ['addresses', compileCheck(RECIPIENT_ARMS.addresses)],
    ['address', compileCheck(RECIPIENT_ARMS.address)],
  ],
  content: [
    ['contentId', compileCheck(CONTENT_ARMS.template)],
    ['modules', compileCheck(CONTENT_ARMS.modules)],
    ['text', compileCheck(CONTENT_ARMS.text)],
  ],
  from: [
    ['senderPoolId', compileCheck(SENDER_ARMS.pool)],
    ['senderId', compileCheck(SENDER_ARMS.sender)],
    ['address', compileCheck(SENDER_ARMS.address)],
  ],
};

function checkArm(value: unknown, path: string, arms: Arms): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [
      problem(
        'invalid',
        `Must be an object with ${arms
          .map(([key]) => `"${key}"`)
          .toReversed()
          .join(' or ')}.`,
        path,
      ),
    ];
  const arm = arms.find(([key]) => Object.hasOwn(value, key)) ?? arms.at(-1);
  return arm?.[1](value, path) ?? [];
}

function checkRecipient(value: unknown, path: string, arms: Arms): Problem[] {
  if (
    typeof value === 'object' &&
    value !== null &&
    !arms.some(([key]) => Object.hasOwn(value, key))
  ) {
    const other = findOtherRecipient(Object.keys(value));
    if (other !== null) return [problem('unsupported', other.message, path + stepOf(other.key))];
  }
  return checkArm(value, path, arms);
}

/** Reads requests of one kind: whole, or the part that all recipients share and then one recipient after the other. */
export interface SendReader {
  /** @throws Refusal with all that is wrong, the first hundred in full */
  read(body: unknown): Work<SendRequest>;
  /** @throws Refusal with all that is wrong */
  readHead(body: unknown): SendHead;
  /** The recipient, or its problems. `path` is the beginning of their contexts. */
  readRecipient(value: unknown, path: string): RequestedRecipient | readonly Problem[];
}

export const MESSAGE_READER: SendReader = {
  read: readSendRequest,
  readHead(body) {
    checkHead(body, MESSAGES);
    return body as SendHead;
  },
  readRecipient(value, path) {
    const problems = checkPart(MESSAGES, 'to', value, path);
    return problems.length > 0 ? problems : (value as RequestedRecipient);
  },
};

/** The request, when its shape is right. @throws Refusal with all that is wrong, the first hundred in full. */
function* readSendRequest(body: unknown): Work<SendRequest> {
  yield* checkForm(body, MESSAGES);
  return body as SendRequest;
}

/** @throws Refusal with all that is wrong with the shape of a body, the first hundred in full. */
export function* checkForm(body: unknown, form: SendForm): Work<void> {
  const list = new ProblemList();
  // The entries of `to` are looked at one by one, below and in intake; here only that it is a list.
  const fields = withoutRecipients(body);
  list.add(checkShared(fields, form));
  const { to } = body as { readonly to?: unknown };
  if (Array.isArray(to)) {
    if (to.length > RECIPIENTS_MAX)
      list.add([
        problem(
          'recipients',
          `At most ${RECIPIENTS_MAX} recipients, not ${to.length}; split the request.`,
          '$.to',
        ),
      ]);
    else
      for (const [i, each] of to.entries()) {
        list.add(checkPart(form, 'to', each, `$.to[${i}]`));
        yield;
      }
  }
  // The right shape bounds the depth of the fields.
  if (list.total === 0) list.add(listUnstorable(fields));
  if (list.total > 0) throw new Refusal(400, list.first, { total: list.total });
}

/** @throws Refusal with all that is wrong with the shape of the first line of a streamed request */
export function checkHead(head: unknown, form: SendForm): void {
  demandObject(head, 'The first line');
  if ('to' in head)
    throw new Refusal(400, [
      problem('invalid', 'Leave out "to": each line after the first is a recipient.', '$.to'),
    ]);
  const fields = { ...head, to: [null] };
  const list = new ProblemList();
  list.add(checkShared(fields, form));
  if (list.total === 0) list.add(listUnstorable(fields));
  if (list.total > 0) throw new Refusal(400, list.first, { total: list.total });
}

/** Checks the fields that all recipients share. */
function checkShared(fields: unknown, form: SendForm): readonly Problem[] {
  const { content, from } = fields as Partial<Record<'content' | 'from', unknown>>;
  return [
    ...form.fields(fields, '$'),
    ...(content === undefined ? [] : checkPart(form, 'content', content, '$.content')),
    ...(from === undefined ? [] : checkPart(form, 'from', from, '$.from')),
  ];
}

/** Checks one part of a request. */
export function checkPart(
  form: SendForm,
  part: 'to' | 'content' | 'from',
  value: unknown,
  path: string,
): readonly Problem[] {
  const found =
    part === 'to'
      ? checkRecipient(value, path, form.recipients)
      : checkArm(value, path, form[part]);
  return found.length > 0 ? found : (form.inspect?.(part, value, path) ?? []);
}

const listUnstorable = (fields: unknown): readonly Problem[] =>
  findUnstorable(fields, '$').map((path) => problem('invalid', UNSTORABLE, path));

function demandObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(400, [problem('invalid', `${name} must be a JSON object.`, '$')]);
}

function withoutRecipients(body: unknown): unknown {
  demandObject(body, 'The body');
  if (!('to' in body) || !Array.isArray(body.to)) return body;
  return { ...body, to: body.to.slice(0, 1).map(() => null) };
}
