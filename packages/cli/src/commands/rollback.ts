import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import {
  parseAliasArgument,
  parseCountArgument,
  parseModelArgument,
  parseTimeArgument,
} from "../parse-arguments.ts";
import { aliasPath, changeRoute, historyFields } from "../routing/change-route.ts";

export const ROLLBACK: CliCommand = {
  name: "rollback",
  group: "Routing",
  summary: "Return an alias to what it was before its last change",
  description:
    "A second rollback goes one change further back. The history keeps everything: a rollback is an entry of its own.",
  examples: [
    { command: "onnxflare rollback digits --alias production", does: "undo the last change" },
    {
      command: "onnxflare rollback digits --alias production --to 4",
      does: "what it was at revision 4",
    },
    {
      command: "onnxflare rollback digits --alias production --at 2h",
      does: "what it was two hours ago",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .requiredOption("--alias <alias>", "name of the alias", parseAliasArgument)
      .option("--to <revision>", "revision of the history", parseCountArgument)
      .option("--at <time>", "point in time, or the time since then: 30m, 2h", parseTimeArgument)
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .action(async (model, { alias, to, at, ...change }) => {
        if (to !== undefined && at !== undefined)
          throw usageError("--to and --at exclude each other");
        await changeRoute(
          context(),
          { model, alias },
          {
            method: "POST",
            path: aliasPath(model, alias, "rollback"),
            value: {
              ...(to !== undefined && { to }),
              ...(at !== undefined && { at }),
              ...historyFields(change),
            },
            // Once more, it would go further back.
            repeats: to === undefined && at === undefined ? "never" : "safely",
          },
        );
      }),
};
