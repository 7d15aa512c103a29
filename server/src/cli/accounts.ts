/** `fanfare accounts` and `fanfare keys`. They use the database directly, since these rights include all others. */
import { InvalidArgumentError, type Command } from 'commander';
import type { ApiKey, Scope } from '../app.ts';
import {
  hashSecret,
  newAccountSid,
  newAuthToken,
  newKeySecret,
  newKeySid,
} from '../lib/secrets.ts';
import { findAccount, withAdmin } from './database.ts';
import { fail, type Globals } from './globals.ts';
import { readLine } from './options.ts';
import { show, showList, showTime } from './output.ts';
import { parseTime } from './times.ts';

const NO_LIMIT = Infinity;
/** Written here again, because the server's code takes a while to load. */
const SCOPES: readonly Scope[] = ['send', 'read', 'manage'];

/** Entries that are there already, as a list that comes. */
async function* each<Entry>(entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}

export function addAccountCommands(program: Command, globals: () => Globals): void {
  const accounts = program.command('accounts').description('manage accounts');
  accounts
    .command('list')
    .description('list accounts, oldest first')
    .action(() =>
      withAdmin(globals(), async (admin) =>
        showList(
          globals(),
          each(
            (await admin.accounts.listAccounts()).map(({ sid, createdAt }) => ({ sid, createdAt })),
          ),
          [
            { head: 'SID', cell: ({ sid }) => sid },
            { head: 'CREATED', cell: ({ createdAt }) => showTime(createdAt) },
          ],
          NO_LIMIT,
        ),
      ),
    );
  const showAccount = (account: { sid: string; token: string }) =>
    show(globals(), account, ({ sid, token }) => `Account SID  ${sid}\nAuth token   ${token}`);
  accounts
    .command('create')
    .description('create an account and print its credentials')
    .action(() =>
      withAdmin(globals(), async (admin) => {
        const account = { sid: newAccountSid(), token: newAuthToken() };
        await admin.accounts.putAccount(account.sid, hashSecret(account.token));
        showAccount(account);
      }),
    );
  accounts
    .command('reset-token <sid>')
    .description(
      'create a new auth token for an account; the old one stops working within 5 seconds',
    )
    .action((sid: string) =>
      withAdmin(globals(), async (admin, config) => {
        await findAccount(admin, sid);
        if (sid === config.accountSid)
          fail(
            `The configuration sets the token of ${sid} at each start (FANFARE_AUTH_TOKEN), which would restore the old one. Change it there and restart the servers.`,
          );
        const token = newAuthToken();
        await admin.accounts.putAccount(sid, hashSecret(token));
        showAccount({ sid, token });
      }),
    );
}

export function addKeyCommands(program: Command, globals: () => Globals): void {
  const keys = program.command('keys').description('manage API keys');
  keys
    .command('create')
    .description('create an API key and print its secret, which is shown only once')
    .option('--account <sid>', 'account; optional if there is only one')
    .option('--name <text>', 'name of the key', readLine)
    .option(
      '--scopes <list>',
      `scopes, separated by commas: ${SCOPES.join(', ')} (default: all)`,
      readScopes,
    )
    .option('--expires <time>', 'expiry: 90d, or 2030-01-31T09:30:00Z', readExpiry)
    .action((options: { account?: string; name?: string; scopes?: Scope[]; expires?: Date }) =>
      withAdmin(globals(), async (admin) => {
        const { sid: accountSid } = await findAccount(admin, options.account);
        const key = { sid: newKeySid(), secret: newKeySecret() };
        await admin.accounts.createApiKey({
          accountSid,
          sid: key.sid,
          secretHash: hashSecret(key.secret),
          name: options.name ?? null,
          scopes: options.scopes ?? SCOPES,
          expiresAt: options.expires ?? null,
        });
        show(globals(), key, ({ sid, secret }) => `Key SID  ${sid}\nSecret   ${secret}`);
      }),
    );
  keys
    .command('list')
    .description('list API keys, including revoked and expired ones, oldest first')
    .option('--account <sid>', 'only keys of this account')
    .action((options: { account?: string }) =>
      withAdmin(globals(), async (admin) =>
        showList(
          globals(),
          each(await admin.accounts.listApiKeys(options.account ?? null)),
          [
            { head: 'SID', cell: ({ sid }) => sid },
            { head: 'ACCOUNT', cell: ({ accountSid }) => accountSid },
            { head: 'CREATED', cell: ({ createdAt }) => showTime(createdAt) },
            {
              head: 'LAST USED',
              cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : showTime(lastUsedAt)),
            },
            { head: 'STATE', cell: showState },
            { head: 'SCOPES', cell: ({ scopes }) => scopes.join(',') },
            { head: 'NAME', cell: ({ name }) => name ?? '' },
          ],
          NO_LIMIT,
        ),
      ),
    );
  keys
    .command('revoke <sid>')
    .description('revoke an API key permanently; it stops working within 5 seconds')
    .action((sid: string) =>
      withAdmin(globals(), async (admin) => {
        if (!(await admin.accounts.revokeApiKey(sid)))
          fail(`There is no active key ${sid}. "fanfare keys list" shows all keys.`);
        show(globals(), { sid, revoked: true }, () => `Revoked ${sid}`);
      }),
    );
}

function showState({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${showTime(revokedAt)}`;
  if (expiresAt === null) return 'active';
  return `${expiresAt.getTime() > Date.now() ? 'active until' : 'expired'} ${showTime(expiresAt)}`;
}

function readScopes(text: string): Scope[] {
  const words = [...new Set(text.split(',').map((word) => word.trim()))];
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  if (scopes.length !== words.length)
    throw new InvalidArgumentError(`Use one or more of ${SCOPES.join(', ')}, separated by commas.`);
  return scopes;
}

function readExpiry(text: string): Date {
  const now = Date.now();
  const at = new Date(parseTime(text, now) ?? NaN);
  if (!(at.getTime() > now))
    throw new InvalidArgumentError(
      'Use a time in the future, such as 90d or 2030-01-31T09:30:00Z.',
    );
  return at;
}
