/** Finds addresses that occur more than once in a request. Pure. */
import type { PreparedRecipient } from './recipients.ts';

export interface Duplicate {
  readonly address: string;
  /** Where it is named: `$.to[17]`. */
  readonly contexts: readonly string[];
}

export function findDuplicates(recipients: readonly PreparedRecipient[]): Duplicate[] {
  const contexts = new Map<string, string[]>();
  for (const { ordinal, recipient } of recipients)
    for (const address of new Set(recipient.addresses.map((each) => each.address))) {
      const own = contexts.get(address);
      if (own === undefined) contexts.set(address, [`$.to[${ordinal}]`]);
      else own.push(`$.to[${ordinal}]`);
    }
  return [...contexts]
    .filter(([, own]) => own.length > 1)
    .map(([address, own]) => ({ address, contexts: own }));
}
