/** `docs/cli.md`, made of the commands themselves. */
import type { Command, Option } from 'commander';
import { createProgram } from './program.ts';

/** The text of the page. */
export function renderCliMarkdown(): string {
  const program = createProgram();
  const shown = program.createHelp().visibleCommands(program);
  return `# The command line

Generated from \`server/src/cli/\` by \`npm run generate\`.

\`fanfare\` is the command of the installed package; in a checkout it is \`npx fanfare\`.

**Where it goes.** Commands that send and look talk to a server over its API: the one that was started in this folder, for which it keeps
an address and an API key in \`cli.json\` of the [data folder](config.md); or the one that the environment names: \`FANFARE_BASE_URL\` with
\`FANFARE_ACCOUNT_SID\` and \`FANFARE_AUTH_TOKEN\`, or with \`FANFARE_API_KEY\` and \`FANFARE_API_KEY_SECRET\`. \`accounts\`, \`keys\`, \`doctor\` and
\`migrate\` work on the database itself, with the [configuration](config.md) of the server, while it runs or not.

**For machines.** \`--json\` prints one JSON value on each line, whatever the command. Results go to standard output, progress and errors to
standard error. Colours are for terminals, and never used where \`NO_COLOR\` is set.

**Exit status.**

| Status | Means                                                                            |
| -----: | -------------------------------------------------------------------------------- |
|      0 | Done.                                                                            |
|      1 | The server refused, the configuration is wrong, or something failed.             |
|      2 | Wrong usage: flags, arguments, files. \`fanfare doctor\`: it could not look.       |
|      3 | The credentials are missing or wrong.                                            |
|      4 | Not found.                                                                       |
|      5 | Nobody answers, or not now: try again.                                           |
|      6 | With \`--strict\`: not everybody got it, as far as is known.                       |
|    130 | Interrupted.                                                                     |

**Lists** (\`send --file\`, \`suppressions import\`) are CSV or NDJSON: [lists.md](lists.md) says what is read, and what is refused. A file is read to
its end before anything of it is sent, and a wrong row stops all of it. Lists may have millions of rows; they are sent in operations of 10,000.

**Interrupted?** A send says the key it goes under. The same command with that \`--key\` goes on, and sends nothing twice, for 24 hours. Where
\`--schedule\` or \`--expire\` was a while such as \`5d\`, it also says the time that this meant.

**Completion**: \`source <(fanfare completion bash)\`; zsh and fish, too.

## Options of all commands

${tableOf(program.options)}
${program.commands
  .filter((each) => shown.includes(each))
  .map((each) => renderCommand(each, 'fanfare', 2))
  .join('\n')}`;
}

function renderCommand(command: Command, before: string, level: number): string {
  const name = `${before} ${command.name()}`;
  const takes = command.registeredArguments.map(
    (each) =>
      `${each.required ? '<' : '['}${each.name()}${each.variadic ? '...' : ''}${each.required ? '>' : ']'}`,
  );
  const { commands, options } = command;
  return [
    `${'#'.repeat(level)} \`${[name, ...takes].join(' ')}\`\n`,
    `${sentence(command.description())}\n`,
    ...(options.length > 0 ? [tableOf(options)] : []),
    ...commands.map((each) => renderCommand(each, name, level + 1)),
  ].join('\n');
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function tableOf(options: readonly Option[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const rows = options.map(
    ({ flags, description, argChoices, defaultValueDescription, ...rest }) => {
      const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
      const value: unknown = rest.defaultValue;
      const standard = defaultValueDescription ?? (value === undefined ? '' : String(value));
      return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(`${description}${choices}`)} | ${cell(standard)} |`;
    },
  );
  return `| Option | Does | Unless given |\n|---|---|---|\n${rows.join('\n')}\n`;
}
