/** The common fields of messages and e-mails in answers. */
import type { OperationContent } from '../../domain/content.ts';
import { findError } from '../../domain/errors.ts';
import { encodeTypeId } from '../../domain/ids.ts';
import type { OperationKind } from '../../domain/operation.ts';
import { isQuicklyRendered, renderWords } from '../../intake/render.ts';
import type { Message } from '../../store/store.ts';
import type { RequestThreads } from './request-threads.ts';
import { infoUrlOf } from '../../shapes/refusal.ts';

/** Path of each kind below `/v1`. */
export const RESOURCES: Readonly<Record<OperationKind, string>> = {
  MESSAGES: 'Messages',
  EMAILS: 'Emails',
};

/** The URL of an operation, by its id at the edge. */
export function locationOf(kind: OperationKind, operationId: string, origin: string): string {
  return `${origin}/v1/${RESOURCES[kind]}/Operations/${operationId}`;
}

/** The operation as an entry of `related`. */
export function serializeRelated(kind: OperationKind, operationUuid: string, origin: string) {
  const id = encodeTypeId('comms_operation', operationUuid);
  return [{ name: 'OPERATION', id, uri: locationOf(kind, id, origin) }];
}

/** The reason for which an attempt, or a whole message, failed; undefined without a code. */
export function serializeError(code: number | null, detail: string | null, origin: string) {
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
export function serializeEnd({ status, errorCode }: Message, origin: string) {
  return status === 'FAILED' || status === 'UNDELIVERED'
    ? serializeError(errorCode, null, origin)
    : {};
}

/** The words of a message as they were or will be sent. */
export async function renderFor(
  accountId: number,
  { content, variables, scheduledFor, createdAt }: Message,
  threads: Pick<RequestThreads, 'render'>,
): Promise<OperationContent> {
  const words = { content, variables, at: scheduledFor ?? createdAt };
  return isQuicklyRendered(words) ? renderWords(words) : threads.render(accountId, words);
}
