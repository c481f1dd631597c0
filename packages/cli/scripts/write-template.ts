import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeTemplate } from "../src/project/template.ts";

/** Writes what `init` needs of the repository into the package: the template, and the documents that it refers to. */
export function writeTemplate(repository: string, dist: string): void {
  const folder = join(dist, "template");
  rmSync(folder, { recursive: true, force: true });
  for (const [path, bytes] of makeTemplate(repository)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  rmSync(join(dist, "docs"), { recursive: true, force: true });
  cpSync(join(repository, "docs"), join(dist, "docs"), { recursive: true });
}
