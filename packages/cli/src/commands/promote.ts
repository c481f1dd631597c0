import type { CliCommand } from "../command.ts";
import {
  parseAliasArgument,
  parseModelArgument,
  parseVersionArgument,
} from "../parse-arguments.ts";
import { aliasPath, changeRoute, historyFields } from "../routing/change-route.ts";

export const PROMOTE: CliCommand = {
  name: "promote",
  group: "Routing",
  summary: "Send all traffic of an alias to a version",
  description: "A split of the alias ends. Its shadow stays, until it is switched off.",
  examples: [
    {
      command: "onnxflare promote digits 2 --alias production",
      does: "version 2 is in production",
    },
    {
      command: 'onnxflare promote digits 2 --alias production --note "2 % better on the test set"',
      does: "the same, with the reason in the history",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("<version>", "number of the version", parseVersionArgument)
      .requiredOption("--alias <alias>", "alias whose traffic is sent to it", parseAliasArgument)
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .action(async (model, version, { alias, ...change }) => {
        await changeRoute(
          context(),
          { model, alias },
          {
            method: "PUT",
            path: aliasPath(model, alias),
            value: { version, ...historyFields(change) },
          },
        );
      }),
};
