import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { build } from "esbuild";
import { projectPath } from "./project.ts";
import { keepModules, workerBundle } from "./worker-bundle.ts";

/**
 * Builds the code of the isolates of models, which the Worker contains as a text: `src/model-isolate.ts` and what it imports, with the settings of
 * wrangler.toml. A part of `build-parts.ts`.
 */
const ENTRY = projectPath("src", "model-isolate.ts");
const OUTPUT = projectPath("build", "model-isolate.txt");

export interface ModelIsolateBuild {
  readonly entry?: string;
  readonly output?: string;
}

/** Writes the bundle, with a first line that says what it is: its digest and compatibility date, as JSON. */
export async function buildModelIsolate({
  entry = ENTRY,
  output = OUTPUT,
}: ModelIsolateBuild = {}): Promise<void> {
  const { compatibilityDate, options } = workerBundle();
  const modules = new Map<string, string>();
  const { outputFiles } = await build({
    ...options,
    entryPoints: [entry],
    write: false,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // WebAssembly and data stay modules, which the Worker hands over by their file names.
    plugins: [keepModules(/\.(?:wasm|bin)$/, modules)],
  });
  const code = outputFiles[0]?.text ?? "";
  const hash = createHash("sha256").update(compatibilityDate).update(code);
  for (const name of [...modules.keys()].sort())
    hash.update(name).update(readFileSync(modules.get(name) ?? ""));
  const head = JSON.stringify({ digest: hash.digest("hex").slice(0, 32), compatibilityDate });
  mkdirSync(dirname(output), { recursive: true });
  // Two builds may run at a time.
  const partial = `${output}.${process.pid}`;
  writeFileSync(partial, `// ${head}\n${code}`);
  renameSync(partial, output);
}
