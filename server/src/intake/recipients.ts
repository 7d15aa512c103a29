/** Prepares one recipient of a request: its addresses, first candidate, due time and tags, or its problems. Pure. */
import { ERRORS, type Problem } from '../domain/errors.ts';
import { stepOf } from '../domain/json-path.ts';
import type { Address, Recipient } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { findTraitProblem } from '../domain/other-recipients.ts';
import { firstCandidate, type Candidate } from '../domain/routing.ts';
import type { RequestedAddress, RequestedRecipient } from '../domain/send-request.ts';
import { findUnstorable, UNSTORABLE } from '../domain/storable.ts';
import type { ContentCheck, Rendering, Variables } from './content.ts';
import type { Places } from './places.ts';
import { NO_PROBLEMS, problem, valid, type Checked } from './problems.ts';
import type { FindRoutes } from './routes.ts';
import { renderTags, type TagTemplates } from './tags.ts';
import type { DueAt } from './timetable.ts';

/** A recipient with its first candidate; without one it is unaddressable, for the reason of `code`. */
export interface PreparedRecipient {
  /** Position in `to`. */
  readonly ordinal: number;
  readonly recipient: Recipient;
  readonly first: Candidate | null;
  /** When the message over the first candidate is due; null is now. */
  readonly dueAt: Date | null;
  /** Error code of an unaddressable recipient. */
  readonly code: number | null;
  /** Rendered tags, when they are not the same for all. */
  readonly tags: Readonly<Record<string, string>> | null;
}

/** The parts of a request that each recipient is prepared with. */
export interface RecipientPlan {
  readonly plan: SendPlan;
  /** Null if the content itself is wrong. */
  readonly checkContent: ContentCheck | null;
  readonly findRoutes: FindRoutes;
  readonly tags: TagTemplates | null;
  readonly timetable: DueAt;
  readonly rendering: Rendering;
}

const NOT_DUE = valid(null);

/** Prepares the recipient with this ordinal. */
export function prepareRecipient(
  requested: RequestedRecipient,
  ordinal: number,
  { plan, checkContent, findRoutes, tags, timetable, rendering }: RecipientPlan,
): Checked<PreparedRecipient> {
  const recipient = toRecipient(requested);
  const { addresses, variables } = recipient;
  const wrongContent = checkContent?.(variables, ordinal, findRoutes(addresses)) ?? NO_PROBLEMS;
  const first = firstCandidate(addresses, plan);
  const due = first === null ? NOT_DUE : timetable(first);
  const rendered = renderTags(tags, variables, ordinal, rendering);
  return {
    value: {
      ordinal,
      recipient,
      first,
      dueAt: due.value,
      code: first === null ? ERRORS.unaddressable.code : null,
      tags: rendered.value,
    },
    problems: [
      ...checkVariables(variables, rendering.places, ordinal),
      ...wrongContent,
      ...due.problems,
      ...rendered.problems,
    ],
  };
}

function checkVariables(variables: Variables, places: Places, ordinal: number): readonly Problem[] {
  if (variables === null) return NO_PROBLEMS;
  let problems = NO_PROBLEMS;
  for (const path of findUnstorable(variables, '.variables'))
    problems = [...problems, problem('invalid', UNSTORABLE, places.path(ordinal) + path)];
  for (const name in variables) {
    const trait = findTraitProblem(variables[name] ?? '');
    if (trait === null) continue;
    const path = `${places.path(ordinal)}.variables${stepOf(name)}`;
    problems = [...problems, problem('unsupported', trait, path)];
  }
  return problems;
}

function toRecipient(requested: RequestedRecipient): Recipient {
  const connected = 'addresses' in requested;
  const addresses = (connected
    ? requested.addresses.map(({ address, channel }) => ({ address, channel }))
    : [toAddress(requested)]) as unknown as [Address, ...Address[]];
  const { variables } = requested;
  const empty = variables === undefined || Object.keys(variables).length === 0;
  return { addresses, connected, variables: empty ? null : variables };
}

function toAddress({ address, channel, name }: RequestedAddress): Address {
  return name === undefined ? { address, channel } : { address, channel, name };
}
