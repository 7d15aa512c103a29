/** All commands. What a command does is loaded when it runs, so that help and completion are quick. */
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
Commands that send and look talk to a server: the one that was started in this folder, or that of FANFARE_BASE_URL with
FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN (or FANFARE_API_KEY and FANFARE_API_KEY_SECRET). accounts, keys, doctor and migrate
work on its database, with its configuration.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 wrong credentials, 4 not found, 5 unavailable, 6 not everybody got it (--strict),
130 interrupted.`;

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
    .option('--roles <list>', 'what this node does, of api,dispatch,events; all when not given')
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
    .description('send 10,000 messages of a CSV through a server of its own, in a temporary folder')
    .action(async () => (await import('./demo.ts')).runDemo());

  program
    .command('config')
    .description('the configuration')
    .command('print')
    .description('print what would be used, secrets masked')
    .action(async () => {
      const { describeConfig } = await import('../config/config.ts');
      const described = describeConfig(await readConfig(globals()));
      show(globals(), described, (value) => JSON.stringify(value, null, 2));
    });

  program
    .command('openapi')
    .description('print the description of the API, OpenAPI 3.1')
    .action(async () => {
      const { describeApi } = await import('../app.ts');
      print(JSON.stringify(await describeApi(), null, 2));
    });
}

function addDatabaseCommands(program: Command, globals: () => Globals): void {
  program
    .command('migrate')
    .description("bring the database's schema up to date, as a start does")
    .action(() =>
      withAdmin(globals(), async ({ migrated }) =>
        show(globals(), { migrated }, () =>
          migrated.length === 0 ? 'It is up to date.' : `Applied ${migrated.join(', ')}`,
        ),
      ),
    );
}
