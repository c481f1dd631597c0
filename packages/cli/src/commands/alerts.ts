import { readFileSync } from "node:fs";
import type {
  AlertsResponse,
  DeliveryResponse,
  RulesResponse,
} from "../../../../src/domain/alerts/responses.ts";
import {
  describeAlerts,
  describeDeliveries,
  describeHistory,
  describeRules,
} from "../alerts/alert-view.ts";
import { defineWebhooks } from "../alerts/define-webhooks.ts";
import { explain, usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { parseCountArgument } from "../parse-arguments.ts";

const RULES_PATH = "/admin/alerts/rules";

export const ALERTS: CliCommand = {
  name: "alerts",
  group: "Operations",
  summary: "Show alerts, and set their rules and webhooks",
  description:
    "Rules are evaluated on the server while there are requests. Webhooks get a signed message (Standard Webhooks) when an alert fires, and when it is resolved.",
  examples: [
    { command: "onnxflare alerts list", does: "alerts that are pending, firing or resolved" },
    { command: "onnxflare alerts list --history", does: "what has happened, newest first" },
    { command: "onnxflare alerts rules --json > rules.json", does: "the rules, to be changed" },
    {
      command: "onnxflare alerts rules --set rules.json",
      does: "replaces the rules, unless somebody else has changed them since",
    },
    {
      command: "onnxflare alerts webhooks set operators https://example.com/alerts --out hook.key",
      does: "a receiver of all alerts, and its secret in a file",
    },
    { command: "onnxflare alerts test operators", does: "sends a test message" },
    {
      command: "onnxflare alerts deliveries --state dead",
      does: "messages that were given up, and why",
    },
  ],
  callsServer: true,
  define: (command, context) => {
    command
      .command("list")
      .description("Show alerts, or their history.")
      .option("--history", "what has happened, newest first")
      .option("--limit <n>", "at most so much of the history (default 100)", parseCountArgument)
      .action(async ({ history, limit }) => {
        const { server, output } = context();
        const report = await server.json<AlertsResponse>({
          path: "/admin/alerts",
          query: { limit },
        });
        if (report.problem !== undefined) output.warn(`the last evaluation: ${report.problem}`);
        if (report.evaluatedAt === undefined)
          output.note("rules were not evaluated yet: they are while there are requests");
        const isEmpty = (history ? report.history : report.alerts).length === 0;
        if (isEmpty) output.note(history ? "nothing has happened" : "there are no alerts");
        const text = history
          ? describeHistory(output, report.history)
          : describeAlerts(output, report.alerts);
        output.result(report, text);
      });
    command
      .command("rules")
      .description("Show the rules, or replace them.")
      .option("--set <file>", "JSON with `rules`, as rules --json prints it")
      .option("--default", "go back to the default rules")
      .action(async ({ set, default: isDefault }) => {
        if (set !== undefined && isDefault)
          throw usageError("--set and --default exclude each other", "use one of them");
        const rules =
          set !== undefined || isDefault
            ? await putRules(context(), set)
            : await context().server.json<RulesResponse>({ path: RULES_PATH });
        const { output } = context();
        if (rules.isDefault) output.note("these are the default rules");
        output.result(rules, describeRules(output, rules.rules));
      });
    defineWebhooks(command, context);
    command
      .command("test")
      .description("Send a test message to a webhook, or to all.")
      .argument("[webhook]", "its name")
      .action(async (webhook) => {
        const { server } = context();
        const value = webhook === undefined ? {} : { webhook };
        const request = { method: "POST", path: "/admin/alerts/test", value } as const;
        printDeliveries(context(), await server.json({ ...request, repeats: "never" }));
      });
    command
      .command("deliveries")
      .description("List messages to webhooks, newest first.")
      .option("--webhook <name>", "only to this one")
      .option("--state <state>", "pending, delivered or dead")
      .option("--limit <n>", "at most so many (default 100)", parseCountArgument)
      .action(async (query) => {
        const { server } = context();
        const path = "/admin/alerts/deliveries";
        printDeliveries(context(), await server.json({ path, query }));
      });
  },
};

function printDeliveries(
  { output }: CommandContext,
  result: { readonly deliveries: readonly DeliveryResponse[] },
): void {
  if (result.deliveries.length === 0) output.note("there are no such messages");
  output.result(result, describeDeliveries(output, result.deliveries));
}

/** @param file the default rules without one */
async function putRules(
  { server }: CommandContext,
  file: string | undefined,
): Promise<RulesResponse> {
  const { rules, revision } = file === undefined ? {} : readRules(file);
  return server.json<RulesResponse>({
    method: "PUT",
    path: RULES_PATH,
    value: { rules },
    ...(revision !== undefined && { headers: { "if-match": `"${revision}"` } }),
  });
}

/** @throws CliError for a file that is no JSON with rules; the server says what is wrong with them */
function readRules(file: string): { rules: unknown; revision?: number } {
  try {
    const { rules, revision } = Object(JSON.parse(readFileSync(file, "utf8")));
    if (!Array.isArray(rules)) throw new Error("it has no list `rules`");
    return { rules, ...(Number.isInteger(revision) && { revision: Number(revision) }) };
  } catch (error) {
    throw usageError(
      `${file} cannot be used: ${explain(error)}`,
      "rules --json prints such a file",
    );
  }
}
