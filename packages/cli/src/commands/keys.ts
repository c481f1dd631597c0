import { Option } from "@commander-js/extra-typings";
import { SIGNING_ALGORITHMS } from "../../../../src/domain/signature/public-key.ts";
import type { CliCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import {
  generateAdminKey,
  generateEncryptionKey,
  generateSigningKeys,
  writeSecret,
  writeSigningKeys,
} from "../signing/generate-keys.ts";

interface FileOptions {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
}

export const KEYS: CliCommand = {
  name: "keys",
  group: "Operations",
  summary: "Make keys of administrators, of encryption and of signatures",
  description: "Keys are made on this machine and sent nowhere.",
  examples: [
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
  callsServer: false,
  define: (command, context) => {
    const generate = command.command("generate").description("Make a key.");
    generate
      .command("admin")
      .description("A random key for the secret ADMIN_KEY.")
      .option("--out <file>", "write it into a file that only you can read")
      .option("--force", "replace the file")
      .action((options) => printSecret(context(), "ADMIN_KEY", generateAdminKey(), options));
    generate
      .command("encryption")
      .description("A random key of 256 bits for the secret ENCRYPTION_KEY.")
      .option("--out <file>", "write it into a file that only you can read")
      .option("--force", "replace the file")
      .action((options) =>
        printSecret(context(), "ENCRYPTION_KEY", generateEncryptionKey(), options),
      );
    generate
      .command("signing")
      .description(
        "A pair of keys that signs versions: FILE for push --sign, FILE.pub for SIGNING_PUBLIC_KEYS.",
      )
      .requiredOption("--out <file>", "file of the private key, which only you can read")
      .addOption(
        new Option("--algorithm <name>", "algorithm of the signatures")
          .choices(SIGNING_ALGORITHMS)
          .default("ed25519" as const),
      )
      .option("--force", "replace the files")
      .action(async ({ out, algorithm, force }) => {
        const { output } = context();
        const keys = await generateSigningKeys(algorithm);
        const files = writeSigningKeys(out, keys, force);
        const { hint, publicPem } = keys;
        output.result(
          { kind: "signing", algorithm, hint, publicKey: publicPem, ...files },
          `${files.privateKeyFile} signs: push --sign ${files.privateKeyFile}\n${files.publicKeyFile} verifies: its content is the setting SIGNING_PUBLIC_KEYS`,
        );
      });
  },
};

/** The key alone on standard output, so that it can be piped; or nothing of it, but into a file. */
function printSecret(
  { output }: CommandContext,
  secret: string,
  key: string,
  { out, force }: FileOptions,
): void {
  if (out === undefined) {
    output.result({ secret, key }, key);
    return;
  }
  writeSecret(out, key, force);
  output.result({ secret, file: out }, `${out}: npx wrangler secret put ${secret} < ${out}`);
}
