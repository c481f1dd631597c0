import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAssets } from "../../../scripts/build-assets.ts";
import { buildCli } from "./build-cli.ts";
import { buildWorkerPackage } from "./build-worker-package.ts";
import { writeTemplate } from "./write-template.ts";

export const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** Makes what is published of the package beside what is in the repository. */
export async function buildPackage(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  await buildCli(packageFolder, dist);
  await buildWorkerPackage(dist);
  await buildAssets(join(dist, "assets"));
  writeTemplate(dirname(dirname(packageFolder)), dist);
}
