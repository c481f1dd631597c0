import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type FolderModel, scanModelFolder } from "../packages/cli/src/local/model-folder.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { toVersionFiles, type VersionFiles } from "../packages/cli/src/local/version-files.ts";
import { parseConfig } from "../src/config.ts";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { type ExportArguments, HELP, parseArguments } from "./upload-arguments.ts";
import { emulateWorker } from "./worker-modules.ts";
import { exists, put, readWranglerConfig, type Target } from "./wrangler-bucket.ts";

/** `npm run upload`: models of models/, of other folders, or a folder that Optimum or transformers.js has exported. */
await upload(process.argv.slice(2)).catch(exitWith);

async function upload(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args);
  if (parsed.help) return console.log(HELP);
  if (parsed.exported) return uploadExport(parsed.exported, parsed.target);
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
    sendVersion(files, target);
  }
  if (problems.length === 0) return;
  throw new UserError(["these were not uploaded:", ...problems].join("\n  "));
}

/** Uploads a folder of Optimum or transformers.js. */
async function uploadExport(
  { folder, id, ...options }: ExportArguments,
  target: Target,
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
  sendVersion(await readExportFolder(folder, id, { ...options, budget }, report), target);
}

/** The manifest last. */
function sendVersion({ manifest, manifestText, read }: VersionFiles, target: Target): void {
  const temporaryFolder = createTemporaryFolder("upload");
  const send = (key: string, path: string, content: string | Uint8Array): void => {
    const file = join(temporaryFolder, basename(path));
    writeFileSync(file, content);
    put(key, file, target);
  };
  for (const { path } of manifest.files) send(fileKey(manifest, path), path, read(path));
  send(manifestKey(manifest), "manifest.json", manifestText);
  console.log(`uploaded ${manifest.name} version ${manifest.version}`);
}

/** A version with the bytes of all its files, which are checked before the first one is uploaded. */
async function readFiles(model: FolderModel): Promise<VersionFiles> {
  const { manifest, manifestText, read } = await toVersionFiles(model);
  const contents = new Map(manifest.files.map(({ path }) => [path, read(path)]));
  // A model may be stored otherwise than it is in the folder.
  return { manifest, manifestText, read: (path) => contents.get(path) ?? read(path) };
}
