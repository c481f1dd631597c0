import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { build, type Rollup } from "vite";
import config from "../packages/ui/vite.config.ts";
import { projectPath } from "./project.ts";

/** `assets.directory` of wrangler.toml. */
const OUTPUT = projectPath("build", "assets");

/** Builds the static assets, which are the dashboard: `packages/ui`. Other files in the folder are removed. */
export async function buildAssets(output: string = OUTPUT): Promise<void> {
  const built = await build({
    ...config,
    logLevel: "warn",
    build: { ...config.build, write: false },
  });
  const { output: files } = built as Rollup.RollupOutput;
  for (const file of files)
    replaceFile(join(output, file.fileName), file.type === "chunk" ? file.code : file.source);
  removeOthers(output, new Set(files.map(({ fileName }) => fileName)));
}

/** A file that another build is writing. */
const PARTIAL = /\.\d+$/;

/** Two builds may run at a time, while a third program reads the files. */
function replaceFile(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, content);
  renameSync(partial, path);
}

function removeOthers(folder: string, kept: ReadonlySet<string>): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/");
    if (entry.isFile() && !kept.has(path) && !PARTIAL.test(path))
      rmSync(join(folder, path), { force: true });
  }
}
