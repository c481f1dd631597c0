import type { Command } from "commander";
import type { CliCommand } from "../command.ts";
import { addSelectorOptions, type SelectorOptions, toSelector } from "../privacy/data-selector.ts";
import { writeResult } from "../privacy/write-result.ts";

interface DataExport {
  readonly exportedAt: string;
  readonly stores: readonly { readonly name: string; readonly items: readonly object[] }[];
  readonly cursor?: string;
}

export const EXPORT_DATA: CliCommand = {
  name: "export-data",
  group: "Access",
  summary: "Export what is kept of a person, a key or a request",
  description:
    "As JSON, by store: the answer to an access request. Standard output has it, or with --out a file that only you can read.",
  examples: [
    {
      command: "onnxflare export-data --subject user-42 --out user-42.json",
      does: "of a person, by what requests sent as x-subject-id",
    },
    { command: "onnxflare export-data --request order-4711", does: "of one request" },
  ],
  callsServer: true,
  define: (command, context) => {
    command
      .option("--out <file>", "write it into a file that only you can read")
      .action(async (options: SelectorOptions & { out?: string }) => {
        const { server, output } = context();
        const selector = toSelector(options);
        const stores = new Map<string, object[]>();
        let exportedAt: string | undefined;
        let cursor: string | undefined;
        do {
          const part: DataExport = await server.json<DataExport>({
            method: "POST",
            path: "/admin/data-exports",
            value: { ...selector, cursor },
          });
          exportedAt ??= part.exportedAt;
          for (const { name, items } of part.stores)
            stores.set(name, [...(stores.get(name) ?? []), ...items]);
          cursor = part.cursor;
        } while (cursor !== undefined);
        const all = [...stores].map(([name, items]) => ({ name, items }));
        const text = JSON.stringify({ exportedAt, stores: all }, null, 2);
        const count = all.reduce((sum, { items }) => sum + items.length, 0);
        if (options.out === undefined) output.raw(`${text}\n`);
        else {
          writeResult(options.out, `${text}\n`);
          output.result({ file: options.out, items: count }, `${options.out}: ${count} items`);
        }
      });
    addSelectorOptions(command as unknown as Command);
  },
};
