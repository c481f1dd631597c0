import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import {
  parseAliasArgument,
  parseModelArgument,
  parseSampleArgument,
  parseVersionArgument,
} from "../parse-arguments.ts";
import { aliasPath, changeRoute, historyFields } from "../routing/change-route.ts";
import { printShadowCounts } from "../routing/shadow-counts.ts";

export const SHADOW: CliCommand = {
  name: "shadow",
  group: "Routing",
  summary: "Copy the traffic of an alias to another version and compare",
  description:
    "After a response, the request is run by the shadow too, whose answer is compared and never returned. With a model alone, the counts of the comparisons are printed: those of the isolate that answers, since it started; onnxflare logs shows each.",
  examples: [
    { command: "onnxflare shadow digits production 2", does: "copy every request to version 2" },
    { command: "onnxflare shadow digits production 2 --sample 10%", does: "copy a tenth of them" },
    { command: "onnxflare shadow digits", does: "how many answers agreed" },
    { command: "onnxflare shadow digits production --off", does: "end it" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("[alias]", "name of the alias", parseAliasArgument)
      .argument("[version]", "number of the version that gets copies", parseVersionArgument)
      .option(
        "--sample <part>",
        "part of the requests that is copied (default 1)",
        parseSampleArgument,
      )
      .option("--off", "end the shadow of the alias")
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .action(async (model, alias, version, { sample, off, ...change }) => {
        if (alias === undefined) return printShadowCounts(context(), model);
        if ((version === undefined) === (off !== true))
          throw usageError("name the version that gets copies, or end the shadow by --off");
        await changeRoute(
          context(),
          { model, alias },
          {
            method: off ? "DELETE" : "PUT",
            path: aliasPath(model, alias, "shadow"),
            value: {
              ...(version !== undefined && { version }),
              ...(sample !== undefined && { sample }),
              ...historyFields(change),
            },
          },
        );
      }),
};
