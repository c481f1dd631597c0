import type { CliCommand } from "./command.ts";
import { DEPLOY } from "./commands/deploy.ts";
import { DEV } from "./commands/dev.ts";
import { INIT } from "./commands/init.ts";
import { LIST } from "./commands/list.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly CliCommand[] = [INIT, DEV, DEPLOY, LIST];
