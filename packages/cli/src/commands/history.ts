import type { HistoryEntry } from "../../../../src/domain/routing.ts";
import type { CliCommand } from "../command.ts";
import { toTable } from "../format/table.ts";
import {
  parseAliasArgument,
  parseCountArgument,
  parseModelArgument,
  parseTimeArgument,
} from "../parse-arguments.ts";
import { describeRoute } from "../routing/describe-route.ts";
import { printRouting } from "../routing/print-routing.ts";
import type { RoutingView } from "../server/admin-types.ts";
import { pathOf } from "../server/server-client.ts";

export const HISTORY: CliCommand = {
  name: "history",
  group: "Routing",
  summary: "Show the changes of a model's routing",
  description:
    "The newest change comes first. With --at, the routing at that time is shown instead.",
  examples: [
    { command: "onnxflare history digits", does: "the last changes: who, when, from, to, why" },
    {
      command: "onnxflare history digits --alias production --limit 5",
      does: "those of one alias",
    },
    { command: "onnxflare history digits --at 2026-11-30T12:00:00Z", does: "the routing at noon" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .option("--at <time>", "point in time, or the time since then: 30m, 2h", parseTimeArgument)
      .option("--alias <alias>", "only changes of this alias", parseAliasArgument)
      .option("--limit <n>", "at most so many changes", parseCountArgument)
      .option("--before <revision>", "only changes before this revision", parseCountArgument)
      .action(async (model, { at, alias, limit, before }) => {
        const { server, output } = context();
        if (at !== undefined) {
          const path = pathOf("admin", "models", model, "routing");
          printRouting(output, await server.json<RoutingView>({ path, query: { at } }));
          return;
        }
        const { entries } = await server.json<{ entries: readonly HistoryEntry[] }>({
          path: pathOf("admin", "models", model, "history"),
          query: { alias, limit, before },
        });
        if (entries.length === 0) output.note(`the routing of ${model} has not been changed`);
        const heading = ["REVISION", "TIME", "WHO", "CHANGE"].map((text) =>
          output.style("bold", text),
        );
        const rows = entries.map((entry) => [
          String(entry.revision),
          entry.at,
          entry.actor === undefined ? entry.by : `${entry.actor} (${entry.by})`,
          describeEntry(entry),
        ]);
        output.result({ entries }, rows.length === 0 ? "" : toTable([heading, ...rows]));
      }),
};

/** `split production: version 1 -> 1=90 2=10 (a note)` */
function describeEntry({ action, alias, version, from, to, note, restores }: HistoryEntry): string {
  const what = [action, alias ?? (version === undefined ? undefined : `version ${version}`)];
  const change =
    from === undefined && to === undefined
      ? ""
      : `: ${describeRoute(alias ?? "", from)} -> ${describeRoute(alias ?? "", to)}`;
  const restored = restores === undefined ? "" : ` [restores revision ${restores}]`;
  return `${what.filter((part) => part !== undefined).join(" ")}${change}${restored}${note === undefined ? "" : ` (${note})`}`;
}
