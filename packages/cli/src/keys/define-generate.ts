import { type Command, Option } from "@commander-js/extra-typings";
import { SIGNING_ALGORITHMS } from "../../../../src/domain/signature/public-key.ts";
import type { CommandContext } from "../context.ts";
import {
  generateAdminKey,
  generateEncryptionKey,
  generateSigningKeys,
  writeSigningKeys,
} from "../signing/generate-keys.ts";
import { type FileOptions, printSecret } from "./print-secret.ts";

/** `keys generate`: keys that are made on this machine, and sent nowhere. */
export function defineGenerate(command: Command, context: () => CommandContext): void {
  const generate = command
    .command("generate")
    .description("Make a key of administrators, of encryption or of signatures.");
  generate
    .command("admin")
    .description("A random key for the secret ADMIN_KEY.")
    .option("--out <file>", "write it into a file that only you can read")
    .option("--force", "replace the file")
    .action((options) => print(context(), "ADMIN_KEY", generateAdminKey(), options));
  generate
    .command("encryption")
    .description("A random key of 256 bits for the secret ENCRYPTION_KEY.")
    .option("--out <file>", "write it into a file that only you can read")
    .option("--force", "replace the file")
    .action((options) => print(context(), "ENCRYPTION_KEY", generateEncryptionKey(), options));
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
}

function print(
  { output }: CommandContext,
  secret: string,
  key: string,
  options: FileOptions,
): void {
  printSecret(output, options, {
    secret: key,
    value: { secret, key },
    withoutSecret: { secret },
    text: (file) => `${file}: npx wrangler secret put ${secret} < ${file}`,
  });
}
