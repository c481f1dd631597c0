import { NEWEST } from "../../../../src/domain/routing.ts";
import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import {
  parseAliasArgument,
  parseModelArgument,
  parseVersionArgument,
} from "../parse-arguments.ts";
import { aliasPath, changeRoute, historyFields } from "../routing/change-route.ts";

export const ALIAS: CliCommand = {
  name: "alias",
  group: "Routing",
  summary: "Point an alias of a model at a version",
  description:
    "An alias such as production is used wherever a model is named: digits@production. The alias default is what digits alone means; without it, that is the newest version.",
  examples: [
    { command: "onnxflare alias digits canary 2", does: "digits@canary is version 2" },
    {
      command: "onnxflare alias digits default newest",
      does: "digits is the newest version again",
    },
    { command: "onnxflare alias digits canary --remove", does: "remove the alias" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("<alias>", "name of the alias", parseAliasArgument)
      .argument("[version]", "number of the version, or newest", (text: string) =>
        text === NEWEST ? text : parseVersionArgument(text),
      )
      .option("--remove", "remove the alias")
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .action(async (model, alias, version, { remove, ...change }) => {
        if ((version === undefined) === (remove !== true))
          throw usageError("name the version, or remove the alias by --remove");
        await changeRoute(
          context(),
          { model, alias },
          {
            method: remove ? "DELETE" : "PUT",
            path: aliasPath(model, alias),
            value: { ...(version !== undefined && { version }), ...historyFields(change) },
          },
        );
      }),
};
