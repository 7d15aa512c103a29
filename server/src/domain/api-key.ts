/** What an API key may do. Pure. */

/**
 * Send messages and e-mails, cancel, pause and resume them; read whatever the account has; manage senders, templates,
 * suppressions and subscriptions, and erase.
 */
export const SCOPES = ['send', 'read', 'manage'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a request needs: a scope, or the account's own token, which may do everything. */
export type Access = Scope | 'token';
