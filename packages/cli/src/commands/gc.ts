import type { CliCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { formatSize } from "../format/size.ts";
import { toTable } from "../format/table.ts";
import { parseDurationArgument } from "../parse-arguments.ts";

interface Orphans {
  readonly orphans: readonly {
    readonly key: string;
    readonly sizeBytes: number;
    readonly reason: string;
  }[];
  readonly totalBytes: number;
}

export const GC: CliCommand = {
  name: "gc",
  group: "Operations",
  summary: "List and remove objects that belong to no version",
  description:
    "Without --apply they are listed only. Interrupted uploads and publications leave them; the Worker removes them by itself in time.",
  examples: [
    { command: "onnxflare gc", does: "list what would be removed" },
    { command: "onnxflare gc --older-than 2d --apply", does: "remove what is older than two days" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .option("--older-than <duration>", "only objects of this age: 2h, 7d", parseDurationArgument)
      .option("--apply", "remove them; asks first, on a terminal")
      .option("-y, --yes", "remove them, and do not ask")
      .action(async ({ olderThan: olderThanSeconds, apply, yes }) => {
        const { server, output } = context();
        const found = await server.json<Orphans>({
          path: "/admin/gc",
          query: { olderThanSeconds },
        });
        const { orphans, totalBytes } = found;
        const summary = `${orphans.length} objects, ${formatSize(totalBytes)}`;
        const rows = orphans.map(({ key, sizeBytes, reason }) => [
          key,
          formatSize(sizeBytes),
          reason,
        ]);
        const isRemoved =
          orphans.length > 0 &&
          (yes || (apply && (await confirm(context(), `Remove ${summary}?`))));
        if (!isRemoved) {
          output.result(found, toTable(rows));
          output.note(
            orphans.length === 0 ? "nothing to remove" : `${summary}; --apply removes them`,
          );
          return;
        }
        // What was listed, and nothing that has become an orphan since.
        const removed = await server.json<unknown>({
          method: "POST",
          path: "/admin/gc",
          value: {
            ...(olderThanSeconds !== undefined && { olderThanSeconds }),
            keys: orphans.map(({ key }) => key),
          },
        });
        output.result(removed, `removed ${summary}\n${toTable(rows)}`);
      }),
};
