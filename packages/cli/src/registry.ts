import type { CliCommand } from "./command.ts";
import { LIST } from "./commands/list.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly CliCommand[] = [LIST];
