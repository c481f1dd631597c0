import type { Command } from "commander";
import { CliError, usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { toTable } from "../format/table.ts";
import {
  addSelectorOptions,
  describeSelector,
  type SelectorOptions,
  toSelector,
} from "../privacy/data-selector.ts";
import { writeResult } from "../privacy/write-result.ts";

interface Receipt {
  readonly id: string;
  readonly complete: boolean;
  readonly stores: readonly {
    readonly name: string;
    readonly erased: number;
    readonly complete: boolean;
    readonly problem?: string;
    readonly remains?: readonly { readonly what: string; readonly until?: string }[];
  }[];
}

interface Erasure {
  readonly receipt: Receipt;
  readonly jws: string;
  readonly cursor?: string;
}

export const ERASE: CliCommand = {
  name: "erase",
  group: "Access",
  summary: "Erase what is kept of a person, a key or a request",
  description:
    "Goes through every store, and prints what was erased in each. The receipt is signed: --receipt keeps it. Exit code 8 says that something is left; run the command again.",
  examples: [
    {
      command: "onnxflare erase --subject user-42 --receipt user-42.jws",
      does: "of a person, by what requests sent as x-subject-id",
    },
    { command: "onnxflare erase --key-id 0123456789ab --yes", does: "of an API key, which ends" },
    { command: "onnxflare erase --request order-4711", does: "of one request" },
  ],
  callsServer: true,
  define: (command, context) => {
    command
      .option("--receipt <file>", "write the signed receipts into a file, one in each line")
      .option("-y, --yes", "do not ask")
      .action(async (options: SelectorOptions & { receipt?: string; yes?: true }) => {
        const { server, output } = context();
        const selector = toSelector(options);
        const question = `Erase what ${server.url} keeps of ${describeSelector(options)}? It can't be undone.`;
        if (!options.yes && !(await confirm(context(), question)))
          throw usageError("nothing was erased", "answer y, or use --yes");
        const receipts: string[] = [];
        const erased = new Map<string, number>();
        let receipt: Receipt;
        let cursor: string | undefined;
        do {
          const erasure: Erasure = await server.json<Erasure>({
            method: "POST",
            path: "/admin/erasures",
            value: { ...selector, cursor },
          });
          receipts.push(erasure.jws);
          receipt = erasure.receipt;
          for (const { name, erased: count } of receipt.stores)
            erased.set(name, (erased.get(name) ?? 0) + count);
          cursor = erasure.cursor;
        } while (cursor !== undefined);
        if (options.receipt !== undefined) writeResult(options.receipt, `${receipts.join("\n")}\n`);
        const rows = receipt.stores.map(({ name, complete, problem, remains = [] }) => [
          name,
          `${erased.get(name) ?? 0} erased`,
          complete ? "complete" : output.style("red", problem ?? "not complete"),
          remains.map(({ what, until }) => (until ? `${what} until ${until}` : what)).join("; "),
        ]);
        output.result({ receipt, receipts, erased: Object.fromEntries(erased) }, toTable(rows));
        if (!receipt.complete)
          throw new CliError("serverFailed", "not everything was erased", {
            hint: "run the command again",
          });
      });
    addSelectorOptions(command as unknown as Command);
  },
};
