import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_readConfig } from "wrangler";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { projectPath } from "./project.ts";

interface DurableObjectBinding {
  readonly class_name: string;
  /** The Worker that exports the class, when it is another one. */
  readonly script_name?: string | undefined;
}

/**
 * Writes the entry file of a Worker that is built with the settings of the project's wrangler.toml: it
 * exports the Worker, and an empty class for each Durable Object that wrangler.toml requires.
 * @param file the module with the Worker's default export
 * @returns the path of the entry, an index.js in a temporary folder
 */
export function writeWorkerEntry(file: string): string {
  const bindings: DurableObjectBinding[] = unstable_readConfig({
    config: projectPath("wrangler.toml"),
  }).durable_objects.bindings;
  const classes = bindings
    .filter(({ script_name }) => script_name === undefined)
    .map(({ class_name }) => `export class ${class_name} {}`);
  const text = [`export { default } from ${JSON.stringify(file)};`, ...classes, ""].join("\n");
  const entry = join(createTemporaryFolder("entry"), "index.js");
  writeFileSync(entry, text);
  return entry;
}
