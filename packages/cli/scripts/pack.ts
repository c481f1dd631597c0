import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createTemporaryFolder } from "../src/local/temporary-folder.ts";
import { exitWith, UserError } from "../src/local/user-error.ts";
import { buildPackage, packageFolder } from "./build-package.ts";

/**
 * `node packages/cli/scripts/pack.ts FOLDER`: packs the package as `npm pack` does, into the folder. It is built elsewhere than in `dist`, so that
 * several can be packed at a time.
 */
await pack(resolve(process.argv[2] ?? ".")).catch(exitWith);

async function pack(destination: string): Promise<void> {
  const folder = createTemporaryFolder("package");
  for (const name of ["bin", "LICENSE", "README.md"])
    cpSync(join(packageFolder, name), join(folder, name), { recursive: true });
  // Its scripts would build it again.
  const {
    scripts: _,
    devDependencies: __,
    ...packageJson
  } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageJson, null, 2)}\n`);
  await buildPackage(join(folder, "dist"));
  const { status, stderr, error } = spawnSync("npm", ["pack", "--pack-destination", destination], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (error || status !== 0) throw new UserError(`npm pack failed: ${error?.message ?? stderr}`);
}
