import tab, { type Command as CompletionCommand } from "@bomb.sh/tab";
import type { Command } from "commander";

/** What the completion scripts call, with the words of the command line so far. */
export const COMPLETE = "complete";

/**
 * Prints what may follow the words of a command line.
 * @param args `complete -- <words>`
 */
export function printCompletions(program: Command, args: readonly string[]): void {
  for (const command of program.commands) addCommand(command, command.name());
  addOptions(tab, program);
  tab.parse(args.slice(2));
}

function addCommand(command: Command, path: string): void {
  const target = tab.command(path, command.summary() || command.description());
  addOptions(target, command);
  for (const argument of command.registeredArguments) {
    const values = argument.argChoices ?? [];
    target.argument(
      argument.name(),
      (complete) => {
        for (const value of values) complete(value, "");
      },
      argument.variadic,
    );
  }
  for (const child of command.commands) addCommand(child, `${path} ${child.name()}`);
}

function addOptions(target: CompletionCommand, command: Command): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const alias = option.short?.slice(1);
    const takesValue = option.required || option.optional;
    if (!takesValue) {
      target.option(name, option.description, alias);
      continue;
    }
    const values = option.argChoices ?? [];
    target.option(
      name,
      option.description,
      (complete) => {
        for (const value of values) complete(value, "");
      },
      alias,
    );
  }
}
