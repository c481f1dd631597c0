import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { unstable_readConfig } from "wrangler";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { type FolderModel, scanModelFolder } from "./model-folder.ts";
import { projectPath } from "./project.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import { exitWith, reason, UserError } from "./user-error.ts";
import { toVersionFiles } from "./version-files.ts";

/**
 * `npm run upload -- [model...] [--models FOLDER]... [--local]`: uploads models of models/, or of these folders, to the R2
 * bucket of wrangler.toml (default: all), each version's manifest last, so that a version exists only when it is complete.
 * Versions that are not valid are skipped and listed at the end, with exit code 1. `--local` writes to wrangler's simulated
 * bucket instead.
 */
await upload(process.argv.slice(2)).catch(exitWith);

async function upload(args: readonly string[]): Promise<void> {
  const { names, folders, target } = parseArguments(args);
  const scanned = folders.map(scanModelFolder);
  const models = scanned.flatMap((folder) => folder.models);
  const problems = scanned.flatMap((folder) => folder.problems);
  const unknown = names.filter((name) => models.every(({ manifest }) => manifest.name !== name));
  if (unknown.length > 0)
    throw new UserError(
      [
        `no model ${unknown.join(", ")} in ${folders.join(", ")}; the models are ${[...new Set(models.map(({ manifest }) => manifest.name))].join(", ")}`,
        ...problems,
      ].join("\n  "),
    );
  const bucket = bucketName();
  const temporaryFolder = createTemporaryFolder("upload");
  for (const model of models) {
    if (names.length > 0 && !names.includes(model.manifest.name)) continue;
    const files = await readFiles(model).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return undefined;
    });
    if (!files) continue;
    const { manifest, manifestText, contents } = files;
    // A model may be stored otherwise than it is in the folder.
    const send = (key: string, path: string, content: string | Uint8Array): void => {
      const file = join(temporaryFolder, basename(path));
      writeFileSync(file, content);
      put(bucket, key, file, target);
    };
    for (const { path, bytes } of contents) send(fileKey(manifest, path), path, bytes);
    send(manifestKey(manifest), "manifest.json", manifestText);
    console.log(`uploaded ${manifest.name} version ${manifest.version}`);
  }
  if (problems.length === 0) return;
  throw new UserError(["these were not uploaded:", ...problems].join("\n  "));
}

interface Arguments {
  readonly names: readonly string[];
  readonly folders: readonly string[];
  readonly target: "--local" | "--remote";
}

function parseArguments(args: readonly string[]): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { local: { type: "boolean" }, models: { type: "string", multiple: true } },
    });
    return {
      names: positionals,
      folders: values.models ?? [projectPath("models")],
      target: values.local ? "--local" : "--remote",
    };
  } catch (error) {
    throw new UserError(reason(error));
  }
}

/** A version with the bytes of all its files, which are checked before the first one is uploaded. */
async function readFiles(model: FolderModel) {
  const { manifest, manifestText, read } = await toVersionFiles(model);
  const contents = manifest.files.map(({ path }) => ({ path, bytes: read(path) }));
  return { manifest, manifestText, contents };
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
