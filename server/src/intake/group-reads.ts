/**
 * Reads of requests before they are checked: senders, templates, suppressions and idempotency keys. A group reads them
 * together, and reads equal ones once.
 */
import type { Recipient } from '../domain/message.ts';
import type { SenderChoice } from '../domain/sender.ts';
import type { SendRequest } from '../domain/send-request.ts';
import { listSpellings } from '../domain/spellings.ts';
import {
  indexSuppressions,
  type Suppression,
  type SuppressionIndex,
} from '../domain/suppression.ts';
import type { AcceptResult, Listed, SenderQuestion, Store } from '../store/store.ts';

export type Template = Awaited<ReturnType<Store['contentTemplates']['fetchTemplate']>>;

export interface ReadQuestion {
  readonly accountId: number;
  readonly senders: SenderQuestion;
  readonly templateId: string | null;
  /** Addresses whose suppressions count; none for an answer to a keyword. */
  readonly addresses: readonly string[];
  readonly claim: { readonly key: string; readonly fingerprint: Buffer } | null;
}

export interface ReadAnswer {
  readonly choice: SenderChoice;
  /** Null if there is none, or none was requested. */
  readonly template: Template;
  readonly suppressions: SuppressionIndex;
  /** The earlier use of the idempotency key; null for a free key. */
  readonly said: Exclude<AcceptResult, { kind: 'created' }> | null;
}

const NO_SUPPRESSIONS = indexSuppressions([]);

/** Suppressions of the recipients of one account, by the senders that may reach them. `listed` says where there are any. */
export async function readSuppressions(
  store: Store,
  accountId: number,
  choice: SenderChoice,
  recipients: readonly Recipient[],
  listed: Listed,
): Promise<SuppressionIndex> {
  if (listed.lists.length === 0 && !listed.opted) return NO_SUPPRESSIONS;
  const addresses = recipients.flatMap((each) =>
    each.addresses.flatMap(({ address }) => listSpellings(address)),
  );
  const [found = []] = await findSuppressions(store, [{ accountId, addresses }], [choice], listed);
  return indexSuppressions(found);
}

/** Addresses of a request in the form of the suppression query. */
export function listSuppressible({ to }: SendRequest): string[] {
  return to.flatMap((each) =>
    'addresses' in each
      ? each.addresses.flatMap(({ address }) => listSpellings(address))
      : 'address' in each
        ? listSpellings(each.address)
        : [],
  );
}

/** Answers all questions, in their order. */
export async function readTogether(
  store: Store,
  questions: readonly ReadQuestion[],
): Promise<ReadAnswer[]> {
  const once = createOnce();
  const claims = questions.flatMap(({ accountId, claim }) =>
    claim === null ? [] : { accountId, ...claim },
  );
  const [said, choices, templates, listed] = await Promise.all([
    store.operations.findIdempotencyKeys(claims),
    Promise.all(
      questions.map(({ accountId, senders }) =>
        once(JSON.stringify([accountId, senders]), () =>
          store.senders.chooseSenders(accountId, senders),
        ),
      ),
    ),
    Promise.all(
      questions.map(({ accountId, templateId }) =>
        templateId === null
          ? null
          : once(`${accountId} ${templateId}`, () =>
              store.contentTemplates.fetchTemplate(accountId, templateId),
            ),
      ),
    ),
    store.suppressions.findListed([...new Set(questions.map(({ accountId }) => accountId))]),
  ]);
  const suppressions = await findSuppressions(store, questions, choices, listed);
  const saidInOrder = said.values();
  return questions.map(({ claim }, i) => ({
    choice: choices[i] as SenderChoice,
    template: templates[i] ?? null,
    suppressions: indexSuppressions(suppressions[i] ?? []),
    said: claim === null ? null : (saidInOrder.next().value ?? null),
  }));
}

function findSuppressions(
  store: Store,
  questions: readonly Pick<ReadQuestion, 'accountId' | 'addresses'>[],
  choices: readonly SenderChoice[],
  listed: Listed,
): Promise<Suppression[][]> {
  return store.suppressions.findSuppressions(
    questions.map(({ accountId, addresses }, i) => {
      const { senders, poolId } = choices[i] as SenderChoice;
      return {
        accountId,
        addresses,
        senderIds: senders.map(({ id }) => id),
        poolIds: poolId === null ? [] : [poolId],
      };
    }),
    listed,
  );
}

/** Asks a question once, however many want its answer. */
function createOnce(): <Answer>(name: string, ask: () => Promise<Answer>) => Promise<Answer> {
  const asked = new Map<string, Promise<unknown>>();
  return <Answer>(name: string, ask: () => Promise<Answer>) => {
    const answer = (asked.get(name) as Promise<Answer> | undefined) ?? ask();
    asked.set(name, answer);
    return answer;
  };
}
