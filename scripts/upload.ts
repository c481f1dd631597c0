import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { unstable_readConfig } from "wrangler";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { readModelFile, readModelFolder } from "./model-folder.ts";
import { projectPath } from "./project.ts";
import { exitWith, UserError } from "./user-error.ts";

/**
 * `npm run upload -- [model...] [--local]`: uploads models of models/ to the R2 bucket of
 * wrangler.toml (default: all), each version's manifest last, so that a version exists only when it is complete.
 * `--local` writes to wrangler's simulated bucket instead.
 */
try {
  upload(process.argv.slice(2));
} catch (error) {
  exitWith(error);
}

function upload(args: readonly string[]): void {
  const target = args.includes("--local") ? "--local" : "--remote";
  const names = args.filter((arg) => arg !== "--local");
  const models = readModelFolder(projectPath("models"));
  const unknown = names.filter((name) => models.every(({ manifest }) => manifest.name !== name));
  if (unknown.length > 0)
    throw new UserError(
      `no model ${unknown.join(", ")} in models/; the models are ${[...new Set(models.map(({ manifest }) => manifest.name))].join(", ")}`,
    );
  const bucket = bucketName();
  for (const model of models) {
    const { folder, manifest } = model;
    if (names.length > 0 && !names.includes(manifest.name)) continue;
    for (const { path } of manifest.files) {
      readModelFile(model, path);
      put(bucket, fileKey(manifest, path), join(folder, path), target);
    }
    put(bucket, manifestKey(manifest), join(folder, "manifest.json"), target);
    console.log(`uploaded ${manifest.name} version ${manifest.version}`);
  }
}

function bucketName(): string {
  // Wrangler's own type comes from a package that is not published.
  const config: { r2_buckets: { binding: string; bucket_name?: string }[] } = unstable_readConfig({
    config: projectPath("wrangler.toml"),
  });
  const name = config.r2_buckets.find(({ binding }) => binding === "MODELS")?.bucket_name;
  if (name) return name;
  throw new UserError("wrangler.toml has no r2_buckets entry with the binding MODELS");
}

function put(bucket: string, key: string, file: string, target: string): void {
  const wrangler = projectPath("node_modules", "wrangler", "bin", "wrangler.js");
  const args = [wrangler, "r2", "object", "put", `${bucket}/${key}`, "--file", file, target];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new UserError(`the upload of ${key} failed:\n${stdout}${stderr}`);
}
