/**
 * Handles a send request, from the bytes of its body to its answer. Both are plain data, because
 * this runs in another thread than HTTP.
 */
import { createHash } from 'node:crypto';
import type { Problem } from '../domain/errors.ts';
import type { OperationKind } from '../domain/operation.ts';
import type { AnyDryRun } from './dry-run.ts';
import type { SendRequest } from '../domain/send-request.ts';
import type { Submitter } from './submit.ts';
import type { Shares, Work } from '../lib/fair-share.ts';
import { DatabaseUnavailable } from '../store/store.ts';
import { createEmailReader, type EmailOptions } from './email-request.ts';
import { parseJson } from './json.ts';
import { infoUrlOf, Refusal } from '../shapes/refusal.ts';
import { MESSAGE_READER } from './send-request.ts';

export interface SendQuestion {
  readonly kind: OperationKind;
  readonly accountId: number;
  readonly body: Uint8Array;
  readonly idempotencyKey: string | null;
  /** The origin that links in the answer begin with. */
  readonly origin: string;
}

export type SendAnswer =
  | { readonly kind: 'accepted'; readonly operationId: string; readonly recipients: number }
  | { readonly kind: 'replayed'; readonly operationId: string }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[]; readonly total: number }
  /** JSON already: ten thousand messages would hold up the thread that answers others. */
  | { readonly kind: 'dry-run'; readonly json: Uint8Array }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Reads, checks and submits (or only previews) requests. Rejects for bugs only. */
export function createSendReader(
  submitter: Submitter,
  shares: Shares,
  emails: EmailOptions,
): (question: SendQuestion) => Promise<SendAnswer> {
  const emailReader = createEmailReader(emails);

  function* read(kind: OperationKind, body: Uint8Array): Work<SendRequest> {
    const json = parseJson(body);
    yield;
    return yield* (kind === 'EMAILS' ? emailReader : MESSAGE_READER).read(json);
  }

  return async ({ kind, accountId, body, idempotencyKey, origin }) => {
    try {
      const request = await shares.run(accountId, read(kind, body));
      if (request.dryRun === true) {
        const result = await submitter.preview(accountId, request);
        return result.ok
          ? { kind: 'dry-run', json: await shares.run(accountId, write(result.dryRun, origin)) }
          : { kind: 'refused', ...result };
      }
      const claim =
        idempotencyKey === null
          ? null
          : { key: idempotencyKey, fingerprint: createHash('sha256').update(body).digest() };
      return await submitter.submit(accountId, request, claim);
    } catch (error) {
      if (error instanceof Refusal)
        return { kind: 'refused', problems: error.problems, total: error.total };
      if (error instanceof DatabaseUnavailable)
        return { kind: 'unavailable', reason: error.message };
      throw error;
    }
  };
}

/** The answer to a dry run, as JSON. */
function* write(dryRun: AnyDryRun, origin: string): Work<Uint8Array> {
  const [name, list] =
    'emails' in dryRun
      ? (['emails', dryRun.emails] as const)
      : (['messages', dryRun.messages] as const);
  const unaddressable = dryRun.unaddressable.map((each) => ({
    ...each,
    infoUrl: infoUrlOf(each.code, origin),
  }));
  const parts: string[] = [];
  for (const each of list) {
    parts.push(JSON.stringify(each));
    yield;
  }
  const rest = JSON.stringify({ dryRun: true, ...dryRun, unaddressable, [name]: undefined });
  return Buffer.from(`${rest.slice(0, -1)},"${name}":[${parts.join(',')}]}`);
}
