import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { parseModelArgument, parseVersionArgument } from "../parse-arguments.ts";
import { historyFields } from "../routing/change-route.ts";
import { pathOf } from "../server/server-client.ts";

interface Deletion {
  readonly deleted: { readonly name: string; readonly version: string };
  readonly removedObjects?: number;
  readonly removedRoutes?: readonly { readonly alias: string; readonly to: object | null }[];
}

export const DELETE: CliCommand = {
  name: "delete",
  group: "Models",
  summary: "Delete a model version",
  description:
    "Its files, cached answers and statistics are removed. A version that an alias routes to is refused without --force, which removes those routes. Its number is not used again, except for the same files.",
  examples: [
    { command: "onnxflare delete digits 1", does: "asks first, on a terminal" },
    { command: "onnxflare delete digits 1 --force --yes", does: "also if an alias routes to it" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("<version>", "number of the version", parseVersionArgument)
      .option("--force", "also delete a version that aliases route to, and these routes")
      .option("--note <text>", "why, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .option("-y, --yes", "do not ask")
      .action(async (model, version, { force, yes, ...change }) => {
        const { server, output } = context();
        const question = `Delete version ${version} of ${model} on ${server.url}?`;
        if (!yes && !(await confirm(context(), question)))
          throw usageError("nothing was deleted", "answer y, or use --yes");
        const deletion = await server.json<Deletion>({
          method: "DELETE",
          path: pathOf("admin", "models", model, "versions", version),
          query: { force: force ? true : undefined },
          value: historyFields(change),
        });
        const count =
          deletion.removedObjects === undefined ? "" : ` (${deletion.removedObjects} objects)`;
        const routes = (deletion.removedRoutes ?? []).map(({ alias, to }) =>
          to
            ? `alias ${alias} does not route to it any more`
            : `alias ${alias} is removed: it routed to this version alone`,
        );
        output.result(
          deletion,
          [`deleted version ${version} of ${model}${count}`, ...routes].join("\n"),
        );
      }),
};
