import { randomBytes } from "node:crypto";
import type { CliCommand } from "../command.ts";

const KEY_BYTES = 32;

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
      command: "onnxflare keys generate encryption | npx wrangler secret put ENCRYPTION_KEY",
      does: "encrypt the models in the bucket; keep a copy of the key",
    },
  ],
  callsServer: false,
  define: (command, context) => {
    const generate = command.command("generate").description("Make a key.");
    generate
      .command("admin")
      .description("A random key for ADMIN_KEY.")
      .action(() => {
        const key = randomBytes(KEY_BYTES).toString("base64url");
        context().output.result({ kind: "admin", key, secret: "ADMIN_KEY" }, key);
      });
    generate
      .command("encryption")
      .description("A random key of 256 bits for ENCRYPTION_KEY.")
      .action(() => {
        const key = randomBytes(KEY_BYTES).toString("base64");
        context().output.result({ kind: "encryption", key, secret: "ENCRYPTION_KEY" }, key);
      });
  },
};
