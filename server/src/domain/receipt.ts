/** A receipt: the carrier's later word on a submission. Duplicates, disorder and strangers are normal. */
export interface Receipt {
  /** The reference of the submission it speaks of. */
  readonly reference: string;
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  /** Error code and the carrier's words, with `UNDELIVERED`. */
  readonly code?: number;
  readonly detail?: string;
}
