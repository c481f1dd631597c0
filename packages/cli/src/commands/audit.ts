import { createChainVerifier } from "../../../../src/domain/audit/audit-chain.ts";
import { readChain, readHead, readNewest } from "../audit/audit-log.ts";
import { describeEntries } from "../audit/describe-entry.ts";
import { readHeadFile, writeHeadFile } from "../audit/head-file.ts";
import { CliError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { parseCountArgument, parseModelArgument } from "../parse-arguments.ts";

const DEFAULT_LIMIT = 50;

export const AUDIT: CliCommand = {
  name: "audit",
  group: "Access",
  summary: "Show and verify who changed what",
  description:
    "The audit log has an entry before and one after each change by administrators. Each has the hash of the previous one; verify hashes them all again on this machine.",
  examples: [
    { command: "onnxflare audit list --limit 20", does: "the last changes: who, when, what" },
    { command: "onnxflare audit list --model digits --operation setAlias", does: "of one model" },
    {
      command: "onnxflare audit verify --save-head audit-head.json",
      does: "verify all entries, and keep the last one",
    },
    {
      command: "onnxflare audit verify --head audit-head.json",
      does: "also that nothing up to the kept one was changed or removed",
    },
  ],
  callsServer: true,
  define: (command, context) => {
    command
      .command("list")
      .description("Show changes, newest first.")
      .option(
        "--limit <n>",
        `at most so many entries (default ${DEFAULT_LIMIT})`,
        parseCountArgument,
      )
      .option("--before <seq>", "only entries before this one", parseCountArgument)
      .option("--operation <id>", "only of this operation, such as setAlias")
      .option("--by <label>", "only of this principal, such as key:1f0c2a9b")
      .option("--model <name>", "only about this model", parseModelArgument)
      .option("--key-id <id>", "only about this API key")
      .option("--request <id>", "only of this request")
      .action(async ({ limit = DEFAULT_LIMIT, before, operation, by, model, keyId, request }) => {
        const { server, output } = context();
        const filter = { operation, by, model, keyId, request };
        const entries = await readNewest(server, filter, { before, limit });
        if (entries.length === 0) output.note("there are no such entries");
        output.result({ entries }, entries.length === 0 ? "" : describeEntries(output, entries));
      });
    command
      .command("verify")
      .description("Hash all entries again, and compare them with a head that was kept before.")
      .option("--head <file>", "the head of an earlier verification")
      .option(
        "--save-head <file>",
        "keep the head, if everything is right; it may be the same file",
      )
      .action((options) => verify(context(), options));
  },
};

interface VerifyOptions {
  readonly head?: string | undefined;
  readonly saveHead?: string | undefined;
}

async function verify(
  { server, output }: CommandContext,
  { head: file, saveHead }: VerifyOptions,
): Promise<void> {
  const kept = file === undefined ? undefined : readHeadFile(file);
  if (kept?.url !== undefined && kept.url !== server.url)
    output.warn(`${file} is the head of ${kept.url}, and this is ${server.url}`);
  const told = await readHead(server);
  const verifier = createChainVerifier(kept ? [told, kept] : [told]);
  for await (const entry of readChain(server, (seq) =>
    output.isInteractive ? output.note(`${seq} entries ...`) : undefined,
  ))
    await verifier.add(entry);
  const { head, problems, open, erased } = verifier.end();
  for (const { seq, at, operation, by } of open)
    output.note(`entry ${seq}: how ${operation} by ${by} at ${at} ended is not known`);
  const lines = problems.map(({ seq, problem }) => `entry ${seq}: ${problem}`);
  const against = kept ? `; entry ${kept.seq} is the one that was kept` : "";
  const summary =
    problems.length > 0
      ? output.style("red", `the audit log of ${server.url} was changed`)
      : `${head.seq} entries are as they were written${against}${erased > 0 ? `; the details of ${erased} were erased` : ""}\nhead ${head.seq} ${head.hash}`;
  const value = { ok: problems.length === 0, url: server.url, head, problems, open, erased };
  output.result(value, [...lines, summary].join("\n"));
  if (problems.length > 0)
    throw new CliError("different", "the audit log is not as it was written", {
      hint: "keep a copy of the database of the Durable Object KEYS, and compare it with the audit events in your logs",
    });
  if (saveHead !== undefined) writeHeadFile(saveHead, { url: server.url, ...head });
}
