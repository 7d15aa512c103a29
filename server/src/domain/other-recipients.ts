/** Recipients that only the hosted API has: an error names them. Pure. */

/** The name of such a recipient, by the key that shows it. */
const NAMES: Readonly<Record<string, string>> = {
  cohortId: 'cohort',
  cohortSnapshotId: 'cohort snapshot',
  profileId: 'profile',
  memoryStoreId: 'profile',
};

/** A recipient that is not supported. */
export interface OtherRecipient {
  /** The key that shows it. */
  readonly key: string;
  /** A sentence. */
  readonly message: string;
}

/** The first of these keys that shows such a recipient, or null. */
export function findOtherRecipient(keys: Iterable<string>): OtherRecipient | null {
  for (const key of keys)
    if (Object.hasOwn(NAMES, key))
      return {
        key,
        message: `Recipients by ${NAMES[key]} are not supported; send addresses.`,
      };
  return null;
}

/** Where a value refers to a trait of a profile. */
const TRAIT = /\$\{Twilio\.Profile\.[^}]*\}/;

/** The problem of a variable's value that refers to a trait, as a sentence; null if it does not. */
export function findTraitProblem(value: string): string | null {
  const [trait] = TRAIT.exec(value) ?? [];
  return trait === undefined
    ? null
    : `Traits of profiles are not supported: send the value in place of "${trait.slice(0, 60)}".`;
}
