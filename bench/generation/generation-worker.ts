import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type LocalWorker,
  type ModelBucket,
  startLocalWorker,
} from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";

export const POCKET_GPT = "pocket-gpt";
/** The same model, whose texts have runs of their own. */
export const ALONE = "pocket-gpt-alone";
export const IRIS = "iris-logistic";

export const POCKET_GPT_FOLDER = projectPath("models", POCKET_GPT, "1");

/** A fresh process, with the models and without a cache of answers. */
export async function startGenerationWorker(outdir: string): Promise<LocalWorker> {
  const worker = await startLocalWorker({
    outdir,
    vars: { CACHE_TIERS: "", EVENT_LOG: "off", MAX_QUEUE_MS: "60000", TIMEOUT_MS: "120000" },
  });
  try {
    const bucket = await worker.bucket();
    await storeModel(bucket, readManifest(projectPath("models", IRIS, "1")));
    const manifest = readManifest(POCKET_GPT_FOLDER);
    await storeModel(bucket, manifest);
    await storeModel(bucket, withOwnRuns(manifest));
    return worker;
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

export function readPocketGpt(): Manifest {
  return readManifest(POCKET_GPT_FOLDER);
}

function readManifest(folder: string): Manifest {
  return parseManifest(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")));
}

function withOwnRuns(manifest: Manifest): Manifest {
  const { postprocess } = manifest;
  if (postprocess?.type !== "text-generation") throw new Error("the model generates no text");
  const cache = { ...postprocess.cache, independentTokens: false };
  return { ...manifest, name: ALONE, postprocess: { ...postprocess, cache } };
}

async function storeModel(bucket: ModelBucket, manifest: Manifest): Promise<void> {
  const source = manifest.name === ALONE ? POCKET_GPT : manifest.name;
  for (const { path } of manifest.files) {
    const bytes = readFileSync(projectPath("models", source, "1", path));
    await bucket.put(fileKey(manifest, path), Uint8Array.from(bytes));
  }
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
}
