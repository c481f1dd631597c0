import { createRequire } from "node:module";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { projectPath } from "../scripts/project.ts";
import { writeWorkerEntry } from "../scripts/worker-entry.ts";
import { runNode } from "./child-process.ts";

const wrangler = createRequire(import.meta.url).resolve("wrangler");

/**
 * Bundles a Worker of `bench/workers/` with the settings of the project's wrangler.toml, so that it
 * differs from the project's Worker only by its code.
 * @returns the folder that contains its index.js
 */
export async function buildVariant(name: string): Promise<string> {
  const entry = writeWorkerEntry(projectPath("bench", "workers", name, "index.ts"));
  const outdir = createTemporaryFolder("bench-build");
  const config = projectPath("wrangler.toml");
  const args = ["deploy", entry, "--config", config, "--dry-run", "--outdir", outdir];
  await runNode(["--no-warnings", wrangler, ...args], {
    env: { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" },
  });
  return outdir;
}
