/** What messages and e-mails show alike. */
import { parseContent, renderContent, type OperationContent } from '../domain/content.ts';
import { findError } from '../domain/errors.ts';
import { encodeTypeId } from '../domain/ids.ts';
import type { OperationKind } from '../domain/operation.ts';
import type { Message } from '../store/store.ts';
import { locationOf } from './accept.ts';
import { infoUrlOf } from './reply.ts';

/** The operation as an entry of `related`. */
export function showRelated(kind: OperationKind, operationUuid: string, origin: string) {
  const id = encodeTypeId('comms_operation', operationUuid);
  return [{ name: 'OPERATION', id, uri: locationOf(kind, id, origin) }];
}

/** Why an attempt, or a whole message, came to nothing; nothing without a code. */
export function showError(code: number | null, detail: string | null, origin: string) {
  if (code === null) return {};
  return {
    error: {
      code,
      message: findError(code)?.message ?? detail ?? `Error ${code}.`,
      ...(detail === null ? {} : { detail }),
      infoUrl: infoUrlOf(code, origin),
    },
  };
}

/** Why a message that has ended badly did so. */
export function showEnd({ status, errorCode }: Message, origin: string) {
  return status === 'FAILED' || status === 'UNDELIVERED' ? showError(errorCode, null, origin) : {};
}

/** The words as they were or will be sent: rendering gives the same again and again. */
export function renderFor(message: Message): OperationContent {
  const parsed = parseContent(message.content);
  if (!parsed.ok) return message.content;
  const at = message.scheduledFor ?? message.createdAt;
  const rendered = renderContent(parsed.content, message.variables, at, {
    requireVariables: false,
  });
  return rendered.ok ? rendered.content : message.content;
}
