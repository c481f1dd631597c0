import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "./user-error.ts";

/** A folder with a Worker: the repository itself, or a project that `onnxflare init` has made. */
export interface WorkerProject {
  readonly folder: string;
  /** The configuration of its Worker. */
  readonly configFile: string;
}

/** In wrangler's own order. */
const CONFIG_FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** @throws UserError when the folder has no configuration of a Worker */
export function openProject(folder: string): WorkerProject {
  const absolute = resolve(folder);
  const configFile = CONFIG_FILES.map((name) => join(absolute, name)).find(existsSync);
  if (configFile) return { folder: absolute, configFile };
  throw new UserError(
    `${absolute} has no wrangler.toml; go to the folder of a project, or make one with: npx onnxflare init NAME`,
  );
}

/**
 * The main program of the project's own wrangler: `bin/wrangler.js` would start it as a grandchild, which signals do not reach.
 * @throws UserError when it is not installed
 */
export function wranglerProgram({ folder }: WorkerProject): string {
  return resolveFrom(folder, "wrangler");
}

export async function importWrangler({
  folder,
}: WorkerProject): Promise<typeof import("wrangler")> {
  return import(pathToFileURL(resolveFrom(folder, "wrangler")).href);
}

/** The Miniflare of the project's wrangler. */
export async function importMiniflare({
  folder,
}: WorkerProject): Promise<typeof import("miniflare")> {
  const wrangler = resolveFrom(folder, "wrangler");
  return import(pathToFileURL(createRequire(wrangler).resolve("miniflare")).href);
}

function resolveFrom(folder: string, name: string): string {
  try {
    return createRequire(join(folder, "package.json")).resolve(name);
  } catch {
    throw new UserError(`${name} is not installed in ${folder}; run: npm install`);
  }
}
