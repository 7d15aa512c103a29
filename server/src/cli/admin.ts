/** What commands that manage things share: the store of the configuration, an account, and errors for people. */
import { openAdmin, type Account, type Admin } from '../app.ts';
import type { Config } from '../config/config.ts';
import { createLogger } from '../lib/log.ts';

/** Something the user can put right: its message is all there is to say. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

export function fail(message: string): never {
  throw new UserError(message);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Opens the store for one piece of work. */
export async function withAdmin(
  config: Config,
  work: (admin: Admin) => Promise<void>,
): Promise<void> {
  const admin = await openAdmin(config, createLogger('warn'));
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

/** The account of a SID; without one, the only one there is. @throws UserError when that cannot be told. */
export async function findAccount(admin: Admin, sid: string | undefined): Promise<Account> {
  const accounts = await admin.accounts.listAccounts();
  if (sid !== undefined)
    return (
      accounts.find((each) => each.sid === sid) ??
      fail(`There is no account ${sid}; "fanfare accounts list" shows all.`)
    );
  const [first, ...others] = accounts;
  if (first === undefined) fail('There is no account yet; "fanfare accounts create" makes one.');
  if (others.length > 0)
    fail(
      'There are several accounts; name one with --account ("fanfare accounts list" shows all).',
    );
  return first;
}
