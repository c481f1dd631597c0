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
  const folders = paths.flatMap((path) => folderOfPackage(path.split(sep).join("/")) ?? []);
  // The same version may be within several packages.
  const sections = [...new Set([...new Set(folders)].map(toNotice))].sort();
  return ["# Licences of the software in this folder", ...sections, ""].join("\n\n");
}

/** From the project's `node_modules` on; a package may have packages of its own. */
function folderOfPackage(path: string): string | undefined {
  return /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function toNotice(path: string): string {
  const folder = projectPath(path);
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = licencesIn(folder).map((file) => readFileSync(file, "utf8").trim());
  return [
    `## ${name} ${version} (${license})`,
    ...texts.map((text) => `\`\`\`\n${text}\n\`\`\``),
  ].join("\n\n");
}

/** Paths of the files that are licences, or in a folder of licences. */
function licencesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => /^(?:licen[cs]e|notice|thirdparty)/i.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
    });
}
