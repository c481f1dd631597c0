import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildCli } from "../../packages/cli/scripts/build-cli.ts";
import { buildWorkerPackage } from "../../packages/cli/scripts/build-worker-package.ts";
import { writeTemplate } from "../../packages/cli/scripts/write-template.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { projectFolder, projectPath } from "../../scripts/project.ts";

const SOURCE = projectPath("packages", "cli");

/**
 * Packs the package `onnxflare` as `npm pack` in its folder does, but without writing into the checkout, where other tests do the same.
 * @returns the path of the tarball
 */
export async function packPackage(): Promise<string> {
  const folder = createTemporaryFolder("package");
  const { scripts: _, ...manifest } = JSON.parse(
    readFileSync(join(SOURCE, "package.json"), "utf8"),
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  for (const name of ["bin", "LICENSE", "README.md"])
    cpSync(join(SOURCE, name), join(folder, name), { recursive: true });
  const dist = join(folder, "dist");
  await buildCli(SOURCE, dist);
  await buildWorkerPackage(dist);
  writeTemplate(projectFolder, dist);
  npm(["pack", "--silent"], folder);
  return join(folder, `onnxflare-${manifest.version}.tgz`);
}

/** A project in which nothing is installed but the tarball, and packages of this checkout that it links. */
export function createConsumer(tarball: string, linked: readonly string[]): string {
  const folder = createTemporaryFolder("consumer");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  npm(["install", "--offline", "--no-audit", "--no-fund", tarball], folder);
  for (const name of linked) {
    const target = join(folder, "node_modules", name);
    cpSync(projectPath("node_modules", name), target, { recursive: true });
  }
  return folder;
}

function npm(args: readonly string[], cwd: string): void {
  // npm is a shell script on Windows.
  const shell = process.platform === "win32";
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd, shell, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed:\n${stdout}${stderr}`);
}
