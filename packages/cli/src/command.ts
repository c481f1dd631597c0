import type { Command } from "@commander-js/extra-typings";
import type { CommandContext } from "./context.ts";

/** The headings of `onnxflare --help`, in their order. */
export const COMMAND_GROUPS = ["Project", "Models", "Routing", "Access", "Operations"] as const;

export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export interface CommandExample {
  readonly command: string;
  readonly does: string;
}

/** A command of the CLI: one file in `commands`, and one line in `registry.ts`. */
export interface CliCommand {
  readonly name: string;
  readonly group: CommandGroup;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What the summary does not say, for the command's own help. */
  readonly description?: string;
  readonly examples: readonly CommandExample[];
  /** Whether it calls a server: it has `--url`, `--key` and `--retries` then. */
  readonly callsServer: boolean;
  /** Names of subcommands that do not. */
  readonly offline?: readonly string[];
  /**
   * Adds arguments, options and the action, or subcommands that have them. The options that all commands share are added to it.
   * @param context for the action: it exists once the command line has been parsed
   */
  define(command: Command, context: () => CommandContext): void;
}
