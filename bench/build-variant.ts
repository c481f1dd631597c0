import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { unstable_readConfig } from "wrangler";
import { projectPath } from "../scripts/project.ts";
import { createTemporaryFolder } from "../scripts/temporary-folder.ts";
import { runNode } from "./child-process.ts";

const wrangler = createRequire(import.meta.url).resolve("wrangler");
const configFile = projectPath("wrangler.toml");

/**
 * Bundles a Worker of `bench/workers/` with the settings of the project's wrangler.toml, so that it
 * differs from the project's own Worker by its code alone.
 * @returns the folder with its index.js
 */
export async function buildVariant(name: string): Promise<string> {
  const entry = join(createTemporaryFolder("bench-entry"), "index.js");
  writeFileSync(entry, toEntry(projectPath("bench", "workers", name, "index.ts")));
  const outdir = createTemporaryFolder("bench-build");
  const args = ["deploy", entry, "--config", configFile, "--dry-run", "--outdir", outdir];
  await runNode(["--no-warnings", wrangler, ...args], {
    env: { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" },
  });
  return outdir;
}

interface DurableObjectBinding {
  readonly class_name: string;
  /** The Worker that has the class, when it is another one. */
  readonly script_name?: string | undefined;
}

/** The Worker, and an empty class for each Durable Object that wrangler.toml wants it to export. */
function toEntry(file: string): string {
  const bindings: DurableObjectBinding[] = unstable_readConfig({ config: configFile })
    .durable_objects.bindings;
  const classes = bindings
    .filter(({ script_name }) => script_name === undefined)
    .map(({ class_name }) => `export class ${class_name} {}`);
  return [`export { default } from ${JSON.stringify(file)};`, ...classes, ""].join("\n");
}
