/** Permissions of API keys. Pure. */

/** What each scope permits. */
export const SCOPE_DESCRIPTIONS = {
  send: 'Send, cancel, pause and resume messages and e-mails.',
  read: 'Read everything of the account.',
  manage: 'Manage senders, templates, suppressions and subscriptions, and erase data.',
} as const;
export type Scope = keyof typeof SCOPE_DESCRIPTIONS;
export const SCOPES = Object.keys(SCOPE_DESCRIPTIONS) as Scope[];

/** The permission that a request needs: a scope, or the account's own token, which permits everything. */
export type Access = Scope | 'token';
