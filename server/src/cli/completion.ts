/**
 * Shell completion. The shell asks the program itself, with the words so far; so the offers are always current.
 * `fanfare completion bash` prints the script that the shell needs once.
 */
import { Argument, type Command } from 'commander';
import { print } from './output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_fanfare() {
  local IFS=$'\\n'
  COMPREPLY=($(fanfare complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _fanfare fanfare`,
  zsh: `#compdef fanfare
_fanfare() {
  local -a found
  found=("\${(@f)$(fanfare complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _fanfare fanfare`,
  fish: `complete -c fanfare -f -a '(fanfare complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

const WHERE: Readonly<Record<Shell, string>> = {
  bash: '~/.bashrc:  source <(fanfare completion bash)',
  zsh: '~/.zshrc, after compinit:  source <(fanfare completion zsh)',
  fish: '~/.config/fish/config.fish:  fanfare completion fish | source',
};

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `\nAdd the line to your shell configuration:\n${Object.values(WHERE)
        .map((line) => `  ${line}`)
        .join('\n')}`,
    )
    .action((shell: Shell) => print(SCRIPTS[shell]));

  program.command('complete [words...]', { hidden: true }).action((words: string[]) => {
    const found = complete(program, words);
    if (found.length > 0) print(found.join('\n'));
  });
}

/** Candidates for the last word. */
export function complete(program: Command, words: readonly string[]): string[] {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  let command = program;
  for (const word of before)
    command =
      command.commands.find((each) => each.name() === word || each.aliases().includes(word)) ??
      command;
  const options = [...command.options, ...(command === program ? [] : program.options)];
  const previous = before.at(-1) ?? '';
  const asked = options.find(
    ({ long, short, required, optional }) =>
      (long === previous || short === previous) && (required || optional),
  );
  const choices =
    asked !== undefined
      ? (asked.argChoices ?? [])
      : last.startsWith('-')
        ? options.map((each) => each.long ?? '')
        : [
            ...command
              .createHelp()
              .visibleCommands(command)
              .map((each) => each.name()),
            ...command.registeredArguments.flatMap((each) => each.argChoices ?? []),
          ];
  return choices.filter((each) => each !== '' && each.startsWith(last)).toSorted();
}
