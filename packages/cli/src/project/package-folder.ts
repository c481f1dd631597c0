import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package onnxflare: `packages/cli` of a checkout, or where the package is installed. */
export const packageFolder = findPackage(dirname(fileURLToPath(import.meta.url)));

/** The repository, when this runs in a checkout of it; the published package has no sources. */
export const checkoutFolder = existsSync(join(packageFolder, "src", "main.ts"))
  ? dirname(dirname(packageFolder))
  : undefined;

export const packageVersion: string = JSON.parse(
  readFileSync(join(packageFolder, "package.json"), "utf8"),
).version;

function findPackage(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  return findPackage(dirname(folder));
}
