import { Option } from "@commander-js/extra-typings";
import { STICKY_BY } from "../../../../src/domain/routing.ts";
import type { CliCommand } from "../command.ts";
import { parseAliasArgument, parseModelArgument, parseShareArgument } from "../parse-arguments.ts";
import { aliasPath, changeRoute, historyFields } from "../routing/change-route.ts";

export const SPLIT: CliCommand = {
  name: "split",
  group: "Routing",
  summary: "Split the traffic of an alias between versions",
  description:
    "Each request is drawn by the weights. With --sticky, requests with the same value of the header x-sticky-key, the same API key or the same input always get the same version.",
  examples: [
    {
      command: "onnxflare split digits production 1=90 2=10",
      does: "a tenth of the requests gets version 2",
    },
    {
      command: "onnxflare split digits production 1=1 2=1 --sticky header",
      does: "half of the clients, by their header x-sticky-key",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("<alias>", "name of the alias", parseAliasArgument)
      .argument("<shares...>", "versions and their weights, such as 1=90 2=10", parseShareArgument)
      .addOption(
        new Option("--sticky <by>", "what gets the same version each time").choices(STICKY_BY),
      )
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .action(async (model, alias, shares, { sticky, ...change }) => {
        await changeRoute(
          context(),
          { model, alias },
          {
            method: "PUT",
            path: aliasPath(model, alias),
            value: {
              split: Object.fromEntries(shares),
              ...(sticky !== undefined && { sticky }),
              ...historyFields(change),
            },
          },
        );
      }),
};
