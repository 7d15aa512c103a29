#!/usr/bin/env node
/** The command line: what each command is for. Errors go to standard error, say what to do, and end with status 1. */
import { Command, Option } from 'commander';
import { ConfigError, describeConfig, loadConfig, type Config } from '../config/config.ts';
import { EmbeddedError, MissingPackageError, SchemaError } from '../app.ts';
import { findAccount, fail, print, UserError, withAdmin } from './admin.ts';
import {
  hashSecret,
  newAccountSid,
  newAuthToken,
  newKeySecret,
  newKeySid,
} from '../lib/secrets.ts';
import { addDoctorCommand } from './doctor.ts';
import { addSenderCommands } from './senders.ts';
import { addSubscriptionCommands } from './subscriptions.ts';
import { runDemo } from './demo.ts';
import { runStart } from './start.ts';

const program = new Command('fanfare')
  .description('A self-hosted, multi-channel bulk messaging server.')
  .addOption(new Option('-c, --config <file>', 'config file').env('FANFARE_CONFIG'))
  .showHelpAfterError()
  .showSuggestionAfterError();

function readConfig(flags: Readonly<Record<string, unknown>> = {}): Config {
  const { config } = program.opts<{ config?: string }>();
  return loadConfig(config ?? null, process.env, flags);
}

program
  .command('start')
  .description('start the server')
  .option('--roles <list>', 'what this node does, of api,dispatch,events; all when not given')
  .action(({ roles }: { roles?: string }) =>
    runStart(readConfig(roles === undefined ? {} : { roles: roles.split(',') })),
  );

program
  .command('demo')
  .description('send 10,000 messages of a CSV through a server of its own, in a temporary folder')
  .action(() => runDemo());

program
  .command('config')
  .description('the configuration')
  .command('print')
  .description('print what would be used, secrets masked')
  .action(() => print(JSON.stringify(describeConfig(readConfig()), null, 2)));

const accounts = program.command('accounts').description('accounts');
accounts
  .command('list')
  .description('list the accounts, oldest first')
  .action(() =>
    withAdmin(readConfig(), async (admin) => {
      for (const each of await admin.accounts.listAccounts())
        print(`${each.sid}  ${each.createdAt.toISOString()}`);
    }),
  );
accounts
  .command('create')
  .description('make an account and print its credentials')
  .action(() =>
    withAdmin(readConfig(), async (admin) => {
      const account = { sid: newAccountSid(), token: newAuthToken() };
      await admin.accounts.putAccount(account.sid, hashSecret(account.token));
      print(`Account SID  ${account.sid}\nAuth token   ${account.token}`);
    }),
  );
accounts
  .command('reset-token <sid>')
  .description('give an account a new token; the old one stops working within 5 seconds')
  .action((sid: string) =>
    withAdmin(readConfig(), async (admin) => {
      const known = (await admin.accounts.listAccounts()).some((each) => each.sid === sid);
      if (!known) fail(`There is no account ${sid}; "fanfare accounts list" shows all.`);
      const token = newAuthToken();
      await admin.accounts.putAccount(sid, hashSecret(token));
      print(`Account SID  ${sid}\nAuth token   ${token}`);
    }),
  );

const keys = program.command('keys').description('API keys');
keys
  .command('create')
  .description('make an API key and print its secret, which is shown only now')
  .option('--account <sid>', 'account; may be left out when there is one only')
  .option('--name <text>', 'a name to know it by')
  .action((options: { account?: string; name?: string }) =>
    withAdmin(readConfig(), async (admin) => {
      const { sid: accountSid } = await findAccount(admin, options.account);
      const key = { sid: newKeySid(), secret: newKeySecret() };
      await admin.accounts.createApiKey({
        accountSid,
        sid: key.sid,
        secretHash: hashSecret(key.secret),
        name: options.name ?? null,
      });
      print(`Key SID  ${key.sid}\nSecret   ${key.secret}`);
    }),
  );
keys
  .command('list')
  .description('list API keys, revoked ones too')
  .option('--account <sid>', 'of this account only')
  .action((options: { account?: string }) =>
    withAdmin(readConfig(), async (admin) => {
      for (const each of await admin.accounts.listApiKeys(options.account ?? null))
        print(
          `${each.sid}  ${each.accountSid}  ${each.createdAt.toISOString()}  ${each.revokedAt === null ? 'active' : `revoked ${each.revokedAt.toISOString()}`}  ${each.name ?? ''}`.trimEnd(),
        );
    }),
  );
keys
  .command('revoke <sid>')
  .description('revoke an API key for good; it stops working within 5 seconds')
  .action((sid: string) =>
    withAdmin(readConfig(), async (admin) => {
      if (!(await admin.accounts.revokeApiKey(sid)))
        fail(`There is no active key ${sid}; "fanfare keys list" shows all.`);
      print(`Revoked ${sid}`);
    }),
  );

addSenderCommands(program, readConfig);
addSubscriptionCommands(program, readConfig);
addDoctorCommand(program, readConfig);

try {
  await program.parseAsync();
} catch (error) {
  const known =
    error instanceof UserError ||
    error instanceof ConfigError ||
    error instanceof MissingPackageError ||
    error instanceof EmbeddedError ||
    error instanceof SchemaError;
  process.stderr.write(`${known ? (error as Error).message : describe(error)}\n`);
  process.exitCode ??= 1;
}

function describe(error: unknown): string {
  const { code, message = String(error), stack } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `The address is taken (${message}). Stop what listens there, or set FANFARE_PORT to another port (0: any free one).`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    return `Cannot listen (${message}). Set FANFARE_HOST and FANFARE_PORT to an address of this machine and a port above 1023.`;
  if ((error as Error).name === 'DatabaseUnavailable')
    return `The database does not answer (${message}). Check DATABASE_URL and that PostgreSQL runs there.`;
  return stack ?? message;
}
