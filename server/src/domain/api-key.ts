/** Permissions of API keys. Pure. */

/**
 * `send`: send, cancel, pause and resume messages and e-mails. `read`: read everything of the account. `manage`: manage
 * senders, templates, suppressions and subscriptions, and erase data.
 */
export const SCOPES = ['send', 'read', 'manage'] as const;
export type Scope = (typeof SCOPES)[number];

/** The permission that a request needs: a scope, or the account's own token, which permits everything. */
export type Access = Scope | 'token';
