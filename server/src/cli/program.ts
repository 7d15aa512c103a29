/** All commands. The code of a command is loaded when it runs, so that help and completion are quick. */
import { Command } from 'commander';
import { addAccountCommands, addKeyCommands } from './accounts.ts';
import { addCompletionCommands } from './completion.ts';
import { readConfig, withAdmin } from './database.ts';
import { addDoctorCommand } from './doctor.ts';
import { addGlobalOptions, type Globals } from './globals.ts';
import { addMessageCommands } from './messages.ts';
import { addOperationCommands } from './operations.ts';
import { print, show, write } from './output.ts';
import { addSendCommand } from './send-command.ts';
import { addPoolCommands, addSenderCommands } from './senders.ts';
import { addSubscriptionCommands } from './subscriptions.ts';
import { addSuppressionCommands } from './suppressions.ts';

const AFTER = `
Most commands call the API of a server: the one started in this folder, or the one in FANFARE_BASE_URL. The second needs
FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN, FANFARE_API_KEY and FANFARE_API_KEY_SECRET, or FANFARE_ACCESS_TOKEN. The commands
accounts, keys, doctor and migrate use the database directly, with the server's configuration.

Exit status: 0 success, 1 failure, 2 wrong usage, 3 wrong credentials, 4 not found, 5 unavailable, 6 not every recipient got
the message (--strict), 130 interrupted.`;

export function createProgram(): Command {
  const program = new Command('fanfare')
    .configureOutput({
      writeOut: (text) => write(process.stdout, text),
      writeErr: (text) => write(process.stderr, text),
    })
    .description('A self-hosted, multi-channel bulk messaging server.')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .addHelpText('after', AFTER);
  addGlobalOptions(program);
  const globals = () => program.opts<Globals>();

  addServerCommands(program, globals);
  addSendCommand(program, globals);
  addOperationCommands(program, globals);
  addMessageCommands(program, globals);
  addSenderCommands(program, globals);
  addPoolCommands(program, globals);
  addSuppressionCommands(program, globals);
  addSubscriptionCommands(program, globals);
  addAccountCommands(program, globals);
  addKeyCommands(program, globals);
  addDoctorCommand(program, globals);
  addDatabaseCommands(program, globals);
  addCompletionCommands(program);
  return program;
}

function addServerCommands(program: Command, globals: () => Globals): void {
  program
    .command('start')
    .description('start the server')
    .option('--roles <list>', 'roles of this node, from api,dispatch,events (default: all)')
    .action(async ({ roles }: { roles?: string }) => {
      const flags = roles === undefined ? {} : { roles: roles.split(',') };
      const [{ runStart }, config] = await Promise.all([
        import('./start.ts'),
        readConfig(globals(), flags),
      ]);
      await runStart(config);
    });

  program
    .command('demo')
    .description(
      'send 10,000 messages from a CSV file with a temporary server in a temporary folder',
    )
    .action(async () => (await import('./demo.ts')).runDemo());

  program
    .command('config')
    .description('show the configuration')
    .command('print')
    .description('print the effective configuration with masked secrets')
    .action(async () => {
      const { describeConfig } = await import('../config/config.ts');
      const described = describeConfig(await readConfig(globals()));
      show(globals(), described, (value) => JSON.stringify(value, null, 2));
    });

  program
    .command('openapi')
    .description('print the API description (OpenAPI 3.1)')
    .action(async () => {
      const { describeApi } = await import('../app.ts');
      print(JSON.stringify(await describeApi(), null, 2));
    });
}

function addDatabaseCommands(program: Command, globals: () => Globals): void {
  program
    .command('migrate')
    .description('update the database schema, as every start does')
    .action(() =>
      withAdmin(globals(), async ({ migrated }) =>
        show(globals(), { migrated }, () =>
          migrated.length === 0 ? 'The schema is up to date.' : `Applied ${migrated.join(', ')}`,
        ),
      ),
    );
}
