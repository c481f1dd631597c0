import type { Command } from "@commander-js/extra-typings";
import { SEVERITIES } from "../../../../src/domain/alerts/alert-rule.ts";
import type {
  IssuedWebhookResponse,
  WebhookResponse,
} from "../../../../src/domain/alerts/responses.ts";
import { usageError } from "../cli-error.ts";
import { confirm } from "../confirm.ts";
import type { CommandContext } from "../context.ts";
import { checkFile, type FileOptions, printOnlySecret } from "../keys/print-secret.ts";
import { parseDurationArgument } from "../parse-arguments.ts";
import { pathOf } from "../server/server-client.ts";
import { describeWebhooks } from "./alert-view.ts";

interface AddOptions extends FileOptions {
  readonly severities?: string | undefined;
  readonly models?: string | undefined;
}

/** Where alerts are sent. */
export function defineWebhooks(parent: Command, context: () => CommandContext): void {
  const command = parent.command("webhooks").description("Where alerts are sent.");
  command
    .command("list")
    .description("List the webhooks of alerts.")
    .action(async () => {
      const { server, output } = context();
      const result = await server.json<{ webhooks: WebhookResponse[] }>({
        path: "/admin/alerts/webhooks",
      });
      if (result.webhooks.length === 0) output.note("there are no webhooks");
      output.result(result, describeWebhooks(output, result.webhooks));
    });
  command
    .command("set")
    .description("Create or change a webhook; the secret of a new one is printed once.")
    .argument("<name>", "its name")
    .argument("<url>", "where messages are sent by POST: https, or http to this machine")
    .option("--severities <list>", `only alerts of these: ${SEVERITIES.join(", ")}`)
    .option("--models <patterns>", "only alerts of these models, such as digits,iris-*")
    .option("--out <file>", "write the secret into a file that only you can read")
    .option("--force", "replace the file")
    .action(async (name, url, { severities, models, ...files }: AddOptions) => {
      const value = { url, severities: toList(severities), models: toList(models) };
      await printIssued(context(), files, { method: "PUT", path: pathTo(name), value });
    });
  command
    .command("rotate")
    .description("Give a webhook a new secret, and print it once.")
    .argument("<name>", "its name")
    .option(
      "--overlap <duration>",
      "for how long messages are signed by the secret before as well: 0s, 2h, 7d (default: a day)",
      parseDurationArgument,
    )
    .option("--out <file>", "write the secret into a file that only you can read")
    .option("--force", "replace the file")
    .action((name, { overlap, ...files }) =>
      printIssued(context(), files, {
        method: "POST",
        path: `${pathTo(name)}/rotate`,
        value: overlap === undefined ? {} : { overlapSeconds: overlap },
      }),
    );
  command
    .command("retry")
    .description("Send the messages again that were given up in the last week.")
    .argument("<name>", "its name")
    .action(async (name) => {
      const { server, output } = context();
      const result = await server.json<{ retried: number }>({
        method: "POST",
        path: `${pathTo(name)}/retry`,
      });
      output.result(result, `${result.retried} messages are sent again`);
    });
  command
    .command("remove")
    .description("Delete a webhook, with the messages that wait for it.")
    .argument("<name>", "its name")
    .option("-y, --yes", "do not ask")
    .action(async (name, { yes }) => {
      const { server, output } = context();
      const question = `Delete the webhook ${name} of ${server.url}?`;
      if (!yes && !(await confirm(context(), question)))
        throw usageError("nothing was deleted", "answer y, or use --yes");
      const webhook = await server.json<WebhookResponse>({ method: "DELETE", path: pathTo(name) });
      output.result(webhook, `deleted the webhook ${webhook.name}`);
    });
}

function pathTo(name: string): string {
  return pathOf("admin", "alerts", "webhooks", name);
}

function toList(text: string | undefined): string[] | undefined {
  return text?.split(",").map((part) => part.trim());
}

async function printIssued(
  { server, output }: CommandContext,
  files: FileOptions,
  request: { readonly method: "PUT" | "POST"; readonly path: string; readonly value: object },
): Promise<void> {
  checkFile(files);
  const issued = await server.json<IssuedWebhookResponse>({ ...request, repeats: "never" });
  const { secret, ...webhook } = issued;
  if (secret === undefined) {
    output.result(webhook, describeWebhooks(output, [webhook]));
    output.note(`the webhook ${webhook.name} keeps its secret`);
    return;
  }
  printOnlySecret(output, files, {
    secret,
    value: issued,
    withoutSecret: webhook,
    text: (file) => `${file}: the secret of ${webhook.name}`,
  });
  const overlap =
    webhook.previousSecretUntil === undefined
      ? ""
      : `; messages are signed by the secret before until ${webhook.previousSecretUntil}`;
  output.note(`the secret is shown this once: receivers verify messages with it${overlap}`);
}
