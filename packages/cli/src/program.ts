import type { Command as TypedCommand } from "@commander-js/extra-typings";
import { Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { type CliCommand, COMMAND_GROUPS, type CommandExample } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { hideSecrets } from "./format/hide-secrets.ts";
import { DEFAULT_URL, type SharedOptions } from "./settings.ts";

/** Makes the context of an action, of the options that all commands share. */
export type OpenContext = (options: SharedOptions) => CommandContext;

const ROOT_EXAMPLES: readonly CommandExample[] = [
  { command: "onnxflare init my-models", does: "make a project that can be deployed" },
  {
    command: "onnxflare push model.onnx --name digits",
    does: "publish the next version of a model",
  },
  {
    command: "onnxflare promote digits 2 --alias production",
    does: "send its traffic to version 2",
  },
  { command: "onnxflare rollback digits --alias production", does: "and back" },
];

/**
 * The parser of the command line, of the registry's commands.
 * @param json whether errors of the command line are JSON
 */
export function createProgram(
  commands: readonly CliCommand[],
  open: OpenContext,
  json = false,
): Command {
  const program = new Command("onnxflare");
  let context: CommandContext | undefined;
  const current = (): CommandContext => {
    if (!context) throw new Error("a command has a context only while its action runs");
    return context;
  };
  program
    .description(
      "Serves ONNX models from Cloudflare Workers: publish models, route their traffic, and operate the service.",
    )
    .version(packageJson.version)
    // `push --version 2` is the model's version, `onnxflare --version` the program's.
    .enablePositionalOptions()
    .showHelpAfterError(json ? false : "(--help lists the arguments and options)")
    .configureOutput({
      outputError: json ? writeJsonError : (text, write) => write(hideSecrets(text)),
    })
    .exitOverride()
    .hook("preAction", (_, action) => {
      context = open(action.optsWithGlobals<SharedOptions>());
    });
  addServerOptions(program);
  addCommonOptions(program);
  addExamples(program, ROOT_EXAMPLES);
  for (const group of COMMAND_GROUPS)
    for (const definition of commands)
      if (definition.group === group) addCommand(program, definition, current);
  return program;
}

/** @param text of the parser: `error: unknown option '--x'`, with a suggestion in a second line */
function writeJsonError(text: string, write: (text: string) => void): void {
  const message = hideSecrets(text)
    .replace(/^error: /, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");
  write(`${JSON.stringify({ error: { message, exitCode: EXIT_CODES.usage.code } })}\n`);
}

function addCommand(program: Command, definition: CliCommand, context: () => CommandContext): void {
  const { name, group, summary, description, examples, callsServer, offline = [] } = definition;
  const command = program
    .command(name)
    .helpGroup(`${group}:`)
    .summary(summary)
    .description(description === undefined ? `${summary}.` : `${summary}. ${description}`);
  definition.define(command as unknown as TypedCommand, context);
  for (const leaf of leavesOf(command)) {
    if (callsServer && !isOffline(leaf, offline)) addServerOptions(leaf);
    addCommonOptions(leaf);
  }
  addExamples(command, examples);
}

/** The commands that do something: those without subcommands. */
export function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function isOffline(leaf: Command, names: readonly string[]): boolean {
  for (let each: Command | null = leaf; each; each = each.parent)
    if (names.includes(each.name())) return true;
  return false;
}

function addServerOptions(command: Command): void {
  const options = [
    new Option("--url <url>", `URL of the server (ONNXFLARE_URL; default ${DEFAULT_URL})`),
    new Option(
      "--key <key>",
      "an API key, or the server's ADMIN_KEY (better: ONNXFLARE_KEY; local: ADMIN_KEY of .dev.vars)",
    ),
    new Option("--retries <n>", "attempts after the first one, while the server fails (default 4)"),
  ];
  for (const option of options) command.addOption(option.helpGroup("Options of all commands:"));
}

function addCommonOptions(command: Command): void {
  const options = [
    new Option("--json", "print the result as JSON; remarks and errors go to standard error"),
    new Option("--no-color", "print no colours (NO_COLOR)"),
  ];
  for (const option of options) command.addOption(option.helpGroup("Options of all commands:"));
}

function addExamples(command: Command, examples: readonly CommandExample[]): void {
  const lines = examples.map(({ command: line, does }) => `  $ ${line}\n      ${does}`);
  command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
