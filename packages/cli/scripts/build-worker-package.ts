import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { build, type Metafile } from "esbuild";
import { buildModelIsolate } from "../../../scripts/build-model-isolate.ts";
import { projectPath } from "../../../scripts/project.ts";
import { keepModules, workerBundle } from "../../../scripts/worker-bundle.ts";
import { writeTypes } from "./write-types.ts";

/** The modules that the package exports for Workers, by their names in `exports` of package.json. */
const ENTRIES = {
  index: projectPath("src", "package.ts"),
  worker: projectPath("src", "index.ts"),
  rpc: projectPath("src", "rpc", "caller.ts"),
  tail: projectPath("src", "tail-library.ts"),
};

/**
 * Builds the part of the package that Workers import, into `{dist}/worker`: the service with all that it imports, bundled with the
 * settings of wrangler.toml, and beside it WebAssembly, data and texts, which wrangler's default rules make modules of.
 */
export async function buildWorkerPackage(dist: string): Promise<void> {
  const outdir = join(dist, "worker");
  await buildModelIsolate();
  const modules = new Map<string, string>();
  const { options } = workerBundle();
  const { metafile } = await build({
    ...options,
    entryPoints: ENTRIES,
    outdir,
    splitting: true,
    metafile: true,
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    plugins: [keepModules(/\.(?:wasm|bin|txt)$/, modules)],
  });
  for (const [name, path] of modules) copyFileSync(path, join(outdir, name));
  writeFileSync(join(outdir, "THIRD-PARTY-NOTICES.md"), thirdPartyNotices(metafile, modules));
  writeTypes(Object.values(ENTRIES), join(outdir, "types"));
}

/** The licences of the packages whose code is in the bundle, or beside it. */
function thirdPartyNotices({ inputs }: Metafile, modules: ReadonlyMap<string, string>): string {
  const paths = [
    ...Object.keys(inputs),
    ...[...modules.values()].map((path) => relative(projectPath(), path)),
  ];
  const names = paths.flatMap((path) => packageOf(path.split(sep).join("/")) ?? []);
  const sections = [...new Set(names)].sort().map(toNotice);
  return ["# Licences of the software in this folder", ...sections, ""].join("\n\n");
}

function packageOf(path: string): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function toNotice(name: string): string {
  const folder = projectPath("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) =>
    /^(?:licen[cs]e|notice|thirdparty)/i.test(file),
  );
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [
    `## ${name} ${version} (${license})`,
    ...texts.map((text) => `\`\`\`\n${text}\n\`\`\``),
  ].join("\n\n");
}
