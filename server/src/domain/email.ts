/** An e-mail, rendered for one recipient. */

/** An attached file. */
export interface EmailAttachment {
  readonly filename: string;
  /** Media type, `application/pdf`. */
  readonly contentType: string;
  readonly content: Uint8Array;
}

export interface EmailBody {
  readonly subject: string;
  readonly html: string;
  /** Plain words; null: made from `html`. */
  readonly text: string | null;
  /** Names beside the addresses. */
  readonly fromName: string | null;
  readonly toName: string | null;
  readonly attachments: readonly EmailAttachment[];
  /** Further headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where one click ends further mail (RFC 8058); null: nowhere. */
  readonly unsubscribeUrl: string | null;
}
