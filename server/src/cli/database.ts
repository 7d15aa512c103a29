/** Commands that work on the database itself, beside a running server or without one. */
import type { Account, Admin } from '../app.ts';
import type { Config } from '../config/config.ts';
import { fail, type Globals } from './globals.ts';

/** Reads the configuration, which takes a while: for commands that need it. `flags` override everything. */
export async function readConfig(
  { config }: Globals,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<Config> {
  const { loadConfig } = await import('../config/config.ts');
  return loadConfig(config ?? null, process.env, flags);
}

/** Opens the store for one task. */
export async function withAdmin(
  globals: Globals,
  work: (admin: Admin, config: Config) => Promise<void>,
): Promise<void> {
  const [{ openAdmin, QuotaExceeded }, { createLogger }] = await Promise.all([
    import('../app.ts'),
    import('../lib/log.ts'),
  ]);
  const config = await readConfig(globals);
  const admin = await openAdmin(config, createLogger('warn'));
  try {
    await work(admin, config);
  } catch (error) {
    throw error instanceof QuotaExceeded ? fail(error.message) : error;
  } finally {
    await admin.close();
  }
}

/** The account of a SID, or the only account without one. @throws UserError if there are none or several */
export async function findAccount(admin: Admin, sid: string | undefined): Promise<Account> {
  const accounts = await admin.accounts.listAccounts();
  if (sid !== undefined)
    return (
      accounts.find((each) => each.sid === sid) ??
      fail(`There is no account ${sid}. "fanfare accounts list" shows all accounts.`)
    );
  const [first, ...others] = accounts;
  if (first === undefined)
    fail('There is no account yet. Create one with "fanfare accounts create".');
  if (others.length > 0)
    fail(
      'There are several accounts. Select one with --account ("fanfare accounts list" shows all accounts).',
    );
  return first;
}
