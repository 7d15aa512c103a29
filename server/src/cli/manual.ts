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

**Server.** Most commands call the API of a server. By default this is the server that was started
in this folder: it saves its address and an API key for the CLI in \`cli.json\` of the
[data directory](config.md). To use another server, set \`FANFARE_BASE_URL\` with
\`FANFARE_ACCOUNT_SID\` and \`FANFARE_AUTH_TOKEN\`, with \`FANFARE_API_KEY\` and
\`FANFARE_API_KEY_SECRET\`, or with \`FANFARE_ACCESS_TOKEN\` ([access tokens](api.md#access-tokens)).

**Database.** \`accounts\`, \`keys\`, \`doctor\` and \`migrate\` use the database directly, with the
server's [configuration](config.md). They work with or without a running server.

**Scripts.** With \`--json\`, every command prints one JSON value on each line. Results go to standard
output, progress and errors to standard error. Colours are used only on terminals, and not if
\`NO_COLOR\` is set.

**Exit status:**

| Status | Meaning                                                                          |
| -----: | -------------------------------------------------------------------------------- |
|      0 | Success.                                                                         |
|      1 | The server refused, the configuration is wrong, or something failed.             |
|      2 | Wrong usage: flags, arguments, files. \`fanfare doctor\`: the check could not run. |
|      3 | The credentials are missing or wrong.                                            |
|      4 | Not found.                                                                       |
|      5 | No answer, or a temporary refusal. Try again.                                    |
|      6 | With \`--strict\`: not every recipient is known to have got the message.           |
|    130 | Interrupted.                                                                     |

**Lists** (\`send --file\`, \`suppressions import\`) are CSV or NDJSON files; see [lists.md](lists.md).
\`send\` reads a file completely before it sends anything, and one invalid row stops the send unless you use
\`--skip-invalid\`. A list of any length becomes one operation, up to \`limits.recipientsMax\` of the server.

**Interrupted sends.** A send is accepted as a whole or not at all. Ctrl-C, a wrong row or a broken connection
before the end leaves nothing. For a file, run the same command again. Its key is made of the bytes of the file, the
content and the other options, so for 24 hours past the time of sending the same command sends nothing twice. A duration such as
\`--schedule 2h\` counts from now: once the first send was accepted, the same command is refused and says so. To
send the same file again on purpose, add \`--key\` with a word of your own. A send from standard input prints its key and the
resolved times for another try.

**Completion:** \`source <(fanfare completion bash)\`. zsh and fish are supported too.

## Global options

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
  return `| Option | Description | Default |\n|---|---|---|\n${rows.join('\n')}\n`;
}
