import type { CliCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { formatSize } from "../format/size.ts";
import { toTable } from "../format/table.ts";
import { listOrphans, type Orphan, removeOrphans } from "../gc/orphans.ts";
import { parseDurationArgument } from "../parse-arguments.ts";

export const GC: CliCommand = {
  name: "gc",
  group: "Operations",
  summary: "List and remove objects that belong to no version",
  description:
    "Without --apply they are listed only. Interrupted uploads and publications leave them; the Worker removes them by itself in time. What may still be in use is too young to be removed.",
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
      .action(async ({ olderThan, apply, yes }) => {
        const { output } = context();
        const listed = await listOrphans(context(), olderThan);
        const removable = listed.filter((orphan) => !orphan.protected);
        const summary = `${removable.length} objects, ${formatSize(sizeOf(removable))}`;
        const table = toTable(listed.map(toRow));
        const isConfirmed =
          removable.length > 0 &&
          (yes || (apply && (await confirm(context(), `Remove ${summary}?`))));
        if (!isConfirmed) {
          output.result({ orphans: listed, totalBytes: sizeOf(listed) }, table);
          const remedy =
            removable.length === 0 ? "nothing to remove" : `${summary}; --apply removes them`;
          output.note(remedy);
          return;
        }
        const result = await removeOrphans(context(), removable, olderThan);
        for (const { key, problem } of result.failed)
          output.warn(`${key} was not removed: ${problem}`);
        const removed = `removed ${result.removed.length} objects, ${formatSize(result.removedBytes)}`;
        output.result(result, `${toTable(removable.map(toRow))}\n${removed}`);
      }),
};

function sizeOf(orphans: readonly Orphan[]): number {
  return orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function toRow({ key, sizeBytes, reason, ...orphan }: Orphan): string[] {
  return [key, formatSize(sizeBytes), orphan.protected ? `${reason}; too young` : reason];
}
