import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { unstable_readConfig } from "wrangler";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { readModelFolder } from "./model-folder.ts";
import { projectPath } from "./project.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import { exitWith, UserError } from "./user-error.ts";
import { toVersionFiles } from "./version-files.ts";

/**
 * `npm run upload -- [model...] [--local]`: uploads models of models/ to the R2 bucket of
 * wrangler.toml (default: all), each version's manifest last, so that a version exists only when it is complete.
 * `--local` writes to wrangler's simulated bucket instead.
 */
await upload(process.argv.slice(2)).catch(exitWith);

async function upload(args: readonly string[]): Promise<void> {
  const target = args.includes("--local") ? "--local" : "--remote";
  const names = args.filter((arg) => arg !== "--local");
  const models = readModelFolder(projectPath("models"));
  const unknown = names.filter((name) => models.every(({ manifest }) => manifest.name !== name));
  if (unknown.length > 0)
    throw new UserError(
      `no model ${unknown.join(", ")} in models/; the models are ${[...new Set(models.map(({ manifest }) => manifest.name))].join(", ")}`,
    );
  const bucket = bucketName();
  const temporaryFolder = createTemporaryFolder("upload");
  for (const model of models) {
    if (names.length > 0 && !names.includes(model.manifest.name)) continue;
    const { manifest, manifestText, read } = await toVersionFiles(model);
    // A model may be stored otherwise than it is in the folder.
    const send = (key: string, path: string, content: string | Uint8Array): void => {
      const file = join(temporaryFolder, basename(path));
      writeFileSync(file, content);
      put(bucket, key, file, target);
    };
    for (const { path } of manifest.files) send(fileKey(manifest, path), path, read(path));
    send(manifestKey(manifest), "manifest.json", manifestText);
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
