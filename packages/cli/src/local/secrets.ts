import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { generateAdminKey, generateEncryptionKey } from "../signing/generate-keys.ts";
import type { WorkerProject } from "./worker-project.ts";

/** The secrets of a local run, from .dev.vars, which the first run creates: of the project's example, or with a new key. */
export function readSecrets({ folder }: WorkerProject): Record<string, string> {
  const file = join(folder, ".dev.vars");
  if (!existsSync(file)) {
    const example = join(folder, ".dev.vars.example");
    if (existsSync(example)) copyFileSync(example, file);
    else writeFileSync(file, newSecrets(), { mode: 0o600 });
  }
  return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
}

/** The text of a .dev.vars with keys of its own. */
export function newSecrets(): string {
  return `# Secrets of a local run; every entry becomes a binding. A deployment has its own: npx onnxflare deploy --set-admin-key
ADMIN_KEY=${generateAdminKey()}
# Hashes of subjects, captures and receipts: docs/privacy.md of onnxflare.
PRIVACY_KEY=${generateEncryptionKey()}
`;
}
