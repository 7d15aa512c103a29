/** A receipt: the carrier's later word on a submission. Duplicates, disorder and strangers are normal. */
export type Receipt = ReceiptSubject & {
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  /** Error code and the carrier's words, with `UNDELIVERED`. */
  readonly code?: number;
  readonly detail?: string;
};

/** What a receipt speaks of: our reference where the carrier quotes it, else the carrier's own id. */
export type ReceiptSubject =
  | {
      /** The reference of the submission it speaks of. */
      readonly reference: string;
      readonly providerIds?: never;
    }
  | {
      readonly reference?: never;
      /** Ids that the submission's answer may have had, the likeliest first: some carriers write one id in two ways. */
      readonly providerIds: readonly string[];
    };
