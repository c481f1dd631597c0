import { Option } from "@commander-js/extra-typings";
import { type Command, InvalidArgumentError } from "commander";
import { API_KEY_PREFIX, KEY_ID } from "../../../../src/domain/access/api-key.ts";
import { KEY_STATES } from "../../../../src/domain/access/key-authority.ts";
import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import type { CommandContext } from "../context.ts";
import { defineGenerate } from "../keys/define-generate.ts";
import { addKeyOptions, type KeyOptions, toKeyFields } from "../keys/key-options.ts";
import { type CreatedKeyView, describeKey, describeKeys, type KeyView } from "../keys/key-view.ts";
import { checkFile, type FileOptions, printOnlySecret } from "../keys/print-secret.ts";
import { parseDurationArgument } from "../parse-arguments.ts";
import { pathOf } from "../server/server-client.ts";

export const KEYS: CliCommand = {
  name: "keys",
  group: "Access",
  summary: "Create, change and revoke API keys, and make other keys",
  description:
    "API keys are the server's, which stores no more than their hashes: a key is printed once, alone on standard output. keys generate makes keys on this machine and sends them nowhere.",
  examples: [
    {
      command:
        "onnxflare keys create 'search in production' --scopes predict --models 'digits,iris-*' --requests-per-day 10000",
      does: "prints the key, once",
    },
    {
      command: "onnxflare keys create ci --scopes models:write --expires 90d --out ci.key",
      does: "into a file that only you can read",
    },
    { command: "onnxflare keys list", does: "states, scopes and what was used today" },
    {
      command: "onnxflare keys rotate 8YzQ2mXb4Tq1 --overlap 2h",
      does: "a new secret; the one before is accepted for two hours",
    },
    {
      command: "onnxflare keys update 8YzQ2mXb4Tq1 --requests-per-day 50000 --expires none",
      does: "other limits, without a new secret",
    },
    {
      command: "onnxflare keys revoke 8YzQ2mXb4Tq1",
      does: "ends it everywhere within five seconds, for good",
    },
    {
      command: "onnxflare keys generate admin | npx wrangler secret put ADMIN_KEY",
      does: "the key of /admin",
    },
    {
      command: "onnxflare keys generate encryption --out encryption.key",
      does: "a key for the secret ENCRYPTION_KEY; keep it, without it the models are lost",
    },
    {
      command: "onnxflare keys generate signing --out signing.key",
      does: "a key for push --sign, and signing.key.pub for SIGNING_PUBLIC_KEYS",
    },
  ],
  callsServer: true,
  offline: ["generate"],
  define: (command, context) => {
    const create = command
      .command("create")
      .description("Create an API key, and print it once.")
      .argument("<name>", "what it is for")
      .option("--out <file>", "write it into a file that only you can read")
      .option("--force", "replace the file")
      .action(async (name, options: KeyOptions & FileOptions) => {
        const { scopes = ["predict"], ...others } = options;
        const value = toKeyFields({ ...others, name, scopes });
        await printCreated(context(), options, { path: "/admin/keys", value });
      });
    addKeyOptions(create as unknown as Command, false);
    command
      .command("list")
      .description("List API keys, without their secrets.")
      .addOption(new Option("--state <state>", "only in this state").choices(KEY_STATES))
      .option("--owner <text>", "only of this owner")
      .action(async ({ state, owner }) => {
        const { server, output } = context();
        const keys: KeyView[] = [];
        let cursor: string | undefined;
        do {
          const query = { state, owner, cursor, limit: 1000 };
          const page = await server.json<{ keys: readonly KeyView[]; cursor?: string }>({
            path: "/admin/keys",
            query,
          });
          keys.push(...page.keys);
          cursor = page.cursor;
        } while (cursor !== undefined);
        if (keys.length === 0) output.note("there are no such keys");
        output.result({ keys }, keys.length === 0 ? "" : describeKeys(output, keys));
      });
    command
      .command("show")
      .description("Show an API key, and what was used of it today.")
      .argument("<id>", "id of the key", parseKeyArgument)
      .action(async (id) => print(context(), await context().server.json({ path: keyPath(id) })));
    const update = command
      .command("update")
      .description("Change what an API key may do.")
      .argument("<id>", "id of the key", parseKeyArgument)
      .option("--name <text>", "what it is for")
      .action(async (id, options: KeyOptions) => {
        const value = toKeyFields(options, true);
        if (Object.keys(value).length === 0)
          throw usageError("nothing to change", "--help has the options");
        await patch(context(), id, value);
      });
    addKeyOptions(update as unknown as Command, true);
    command
      .command("rotate")
      .description("Give an API key a new secret, and print it once.")
      .argument("<id>", "id of the key", parseKeyArgument)
      .option(
        "--overlap <duration>",
        "for how long the secret before is still accepted: 0s, 2h, 7d (default: a day)",
        parseDurationArgument,
      )
      .option("--out <file>", "write it into a file that only you can read")
      .option("--force", "replace the file")
      .action((id, { overlap, ...files }) =>
        printCreated(context(), files, {
          path: `${keyPath(id)}/rotate`,
          value: overlap === undefined ? {} : { overlapSeconds: overlap },
        }),
      );
    for (const [name, disabled] of [
      ["disable", true],
      ["enable", false],
    ] as const)
      command
        .command(name)
        .description(
          disabled ? "Refuse an API key until it is enabled." : "Accept a disabled API key again.",
        )
        .argument("<id>", "id of the key", parseKeyArgument)
        .action((id) => patch(context(), id, { disabled }));
    command
      .command("revoke")
      .description("End an API key everywhere within five seconds, for good.")
      .argument("<id>", "id of the key", parseKeyArgument)
      .option("-y, --yes", "do not ask")
      .action(async (id, { yes }) => {
        const { server } = context();
        const question = `Revoke the key ${id} of ${server.url}? It can't be undone.`;
        if (!yes && !(await confirm(context(), question)))
          throw usageError("nothing was revoked", "answer y, or use --yes");
        print(context(), await server.json({ method: "DELETE", path: keyPath(id) }));
      });
    defineGenerate(command, context);
  },
};

/** The id of a key. A whole key is not sent: it does not belong into a command line, and not into a path. */
function parseKeyArgument(text: string): string {
  const id = text.startsWith(API_KEY_PREFIX) ? text.slice(API_KEY_PREFIX.length) : text;
  if (KEY_ID.test(id)) return id;
  throw new InvalidArgumentError(
    text.startsWith(API_KEY_PREFIX)
      ? `Name its id, the 12 characters after ${API_KEY_PREFIX}. A whole key in a command line can be read by others on this machine: rotate it.`
      : "The id of a key has 12 letters and digits; keys list shows it.",
  );
}

function keyPath(id: string): string {
  return pathOf("admin", "keys", id);
}

/** Creating twice would make two keys, of which nobody knows one. */
async function printCreated(
  { server, output }: CommandContext,
  files: FileOptions,
  request: { readonly path: string; readonly value: object },
): Promise<void> {
  checkFile(files);
  const created = await server.json<CreatedKeyView>({
    ...request,
    method: "POST",
    repeats: "never",
  });
  const { key, ...view } = created;
  printOnlySecret(output, files, {
    secret: key,
    value: created,
    withoutSecret: view,
    text: (file) => `${file}: ${view.name} (${view.id})`,
  });
  const overlap =
    view.overlapEndsAt === undefined
      ? ""
      : `; the secret before is accepted until ${view.overlapEndsAt}`;
  output.note(
    `key ${view.id}: ${view.scopes.join(", ")}${overlap}. It is shown this once: ONNXFLARE_KEY gives it to commands, and Authorization: Bearer to requests`,
  );
}

async function patch(context: CommandContext, id: string, value: object): Promise<void> {
  const { server } = context;
  print(context, await server.json<KeyView>({ method: "PATCH", path: keyPath(id), value }));
}

function print({ output }: CommandContext, key: KeyView): void {
  output.result(key, describeKey(output, key));
}
