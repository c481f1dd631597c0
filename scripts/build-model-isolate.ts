import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { parse } from "smol-toml";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { projectPath } from "./project.ts";

/**
 * Builds the code of the isolates of models, which the Worker contains as a text: `src/model-isolate.ts` and what it imports, with the settings of
 * wrangler.toml. Wrangler runs it before each build of the Worker (`[build]`).
 */
const ENTRY = projectPath("src", "model-isolate.ts");
const OUTPUT = projectPath("build", "model-isolate.txt");

interface Settings {
  readonly compatibility_date: string;
  readonly define: Record<string, string>;
  readonly alias: Record<string, string>;
}

export interface ModelIsolateBuild {
  readonly entry?: string;
  readonly output?: string;
}

/** Writes the bundle, with a first line that says what it is: its digest and compatibility date, as JSON. */
export async function buildModelIsolate({
  entry = ENTRY,
  output = OUTPUT,
}: ModelIsolateBuild = {}): Promise<void> {
  const settings = parse(readFileSync(projectPath("wrangler.toml"), "utf8")) as unknown as Settings;
  const { compatibility_date: compatibilityDate, define, alias } = settings;
  const modules = new Map<string, string>();
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: projectPath(),
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    define: { "process.env.NODE_ENV": '"production"', ...define },
    alias: Object.fromEntries(
      Object.entries(alias).map(([name, path]) => [
        name,
        path.startsWith(".") ? projectPath(path) : path,
      ]),
    ),
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    plugins: [otherModules(modules)],
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

/** WebAssembly and data stay modules, which the Worker hands over by their file names. */
function otherModules(modules: Map<string, string>): Plugin {
  return {
    name: "other-modules",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /\.(?:wasm|bin)$/ }, async ({ path, pluginData, kind, resolveDir }) => {
        if (pluginData === "resolving") return undefined;
        const found = await resolve(path, { kind, resolveDir, pluginData: "resolving" });
        if (found.errors.length > 0) return found;
        const name = basename(found.path);
        const other = modules.get(name) ?? found.path;
        if (other !== found.path)
          throw new UserError(
            `${other} and ${found.path} have the same name in the isolate's code`,
          );
        modules.set(name, found.path);
        return { path: `./${name}`, external: true };
      });
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  await buildModelIsolate().catch(exitWith);
