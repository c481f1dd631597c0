import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { keyRingOf, toStored } from "../packages/cli/src/local/encryption.ts";
import { type FolderModel, scanModelFolder } from "../packages/cli/src/local/model-folder.ts";
import { readSecrets } from "../packages/cli/src/local/secrets.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { toVersionFiles, type VersionFiles } from "../packages/cli/src/local/version-files.ts";
import { parseConfig } from "../src/config.ts";
import type { KeyRing } from "../src/storage/encryption/key-ring.ts";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { checkout } from "./project.ts";
import { type ExportArguments, HELP, parseArguments } from "./upload-arguments.ts";
import { emulateWorker } from "./worker-modules.ts";
import { exists, put, readWranglerConfig, type Target } from "./wrangler-bucket.ts";

/** `npm run upload`: models of models/, of other folders, or a folder that Optimum or transformers.js has exported. */
await upload(process.argv.slice(2)).catch(exitWith);

async function upload(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args);
  if (parsed.help) return console.log(HELP);
  const keys = keysOf(parsed.target);
  if (parsed.exported) return uploadExport(parsed.exported, parsed.target, keys);
  const { names, folders, target } = parsed;
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
  for (const model of models) {
    if (names.length > 0 && !names.includes(model.manifest.name)) continue;
    const files = await readFiles(model).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return undefined;
    });
    if (!files) continue;
    await sendVersion(files, target, keys);
  }
  if (problems.length === 0) return;
  throw new UserError(["these were not uploaded:", ...problems].join("\n  "));
}

/** Uploads a folder of Optimum or transformers.js. */
async function uploadExport(
  { folder, id, ...options }: ExportArguments,
  target: Target,
  keys: KeyRing | undefined,
): Promise<void> {
  emulateWorker();
  const { readExportFolder } = await import("./export-folder.ts");
  const budget = {
    bytes: parseConfig(readWranglerConfig().vars).ownIsolateBudgetBytes,
    setting: "OWN_ISOLATE_BUDGET_BYTES",
  };
  if (exists(manifestKey(id), target))
    throw new UserError(
      `${id.name} version ${id.version} exists, and published versions never change: name another one, --version N`,
    );
  const report = (line: string): void => console.log(`  ${line}`);
  console.log(`${id.name} version ${id.version}, of ${folder}:`);
  const files = await readExportFolder(folder, id, { ...options, budget }, report);
  await sendVersion(files, target, keys);
}

/** The keys of the bucket: those of the environment, or of .dev.vars for the simulated one. */
function keysOf(target: Target): KeyRing | undefined {
  const { ENCRYPTION_KEY } = process.env;
  const isGiven = ENCRYPTION_KEY !== undefined || target === "--remote";
  return keyRingOf(isGiven ? { ENCRYPTION_KEY } : readSecrets(checkout));
}

/** The manifest last. */
async function sendVersion(
  { manifest, manifestText, read }: VersionFiles,
  target: Target,
  keys: KeyRing | undefined,
): Promise<void> {
  const temporaryFolder = createTemporaryFolder("upload");
  const send = async (key: string, path: string, content: Uint8Array): Promise<void> => {
    const file = join(temporaryFolder, basename(path));
    writeFileSync(file, await toStored(keys, key, new Uint8Array(content)));
    put(key, file, target);
  };
  for (const { path } of manifest.files) await send(fileKey(manifest, path), path, read(path));
  await send(manifestKey(manifest), "manifest.json", Buffer.from(manifestText));
  console.log(`uploaded ${manifest.name} version ${manifest.version}`);
}

/** A version with the bytes of all its files, which are checked before the first one is uploaded. */
async function readFiles(model: FolderModel): Promise<VersionFiles> {
  const { manifest, manifestText, read } = await toVersionFiles(model);
  const contents = new Map(manifest.files.map(({ path }) => [path, read(path)]));
  // A model may be stored otherwise than it is in the folder.
  return { manifest, manifestText, read: (path) => contents.get(path) ?? read(path) };
}
