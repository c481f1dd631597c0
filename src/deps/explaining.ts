import type { EntryStore } from "../cache/entry-store.ts";
import type { Config } from "../config.ts";
import type { Call } from "../domain/call.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { ModelStore } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { createAnswerCached } from "../inference/answer-cached.ts";
import { createBypassOf } from "../inference/cache-directives.ts";
import { createExplainer, type Explainer } from "../inference/explaining/explain.ts";
import {
  type BackgroundMaker,
  createBackgroundMaker,
} from "../inference/explaining/make-background.ts";
import {
  type BackgroundAdministration,
  createBackgroundAdministration,
} from "../registry/backgrounds/background-administration.ts";
import { createBackgroundReader } from "../registry/backgrounds/known-backgrounds.ts";
import type { Catalog } from "../registry/catalog.ts";
import { readModelFile } from "../registry/model-files.ts";
import { CreatedOnce } from "../shared/created-once.ts";
import { createBackgroundStore } from "../storage/background-store.ts";
import { type BatchBlocks, createBlocks, type TaskTools } from "../tasks/registry.ts";

export interface ExplainingParts {
  readonly host: Pick<ModelHost, "infer" | "execute">;
  readonly store: ModelStore;
  readonly cache: EntryStore;
  readonly config: Pick<Config, "cache" | "maxExplanationRuns">;
  readonly tools: TaskTools;
  /** Where background rows are. */
  readonly objects: ObjectStore;
  readonly catalog: Pick<Catalog, "resolve" | "find" | "forget">;
}

/** How long a request waits for blocks that another one began to create, before it begins itself: they read some megabytes. */
const MAX_BLOCKS_WAIT_MS = 10_000;

/** What explains the answers of versions, wherever they run, and keeps the rows that it needs for that. */
export function createExplaining({
  host,
  store,
  cache,
  config,
  tools,
  objects,
  catalog,
}: ExplainingParts): {
  readonly explainer: Explainer;
  readonly backgrounds: BackgroundAdministration;
  readonly backgroundMaker: BackgroundMaker;
} {
  /** Kept as long as their manifests. */
  const blocks = new CreatedOnce<Manifest, BatchBlocks | undefined>(MAX_BLOCKS_WAIT_MS);
  const blocksOf = (model: PublishedModel, call: Call): Promise<BatchBlocks | undefined> => {
    const { manifest } = model;
    const create = (): Promise<BatchBlocks | undefined> =>
      createBlocks(manifest, (path) => readModelFile(store, model, path), tools);
    return blocks.get(manifest, create, call);
  };
  const backgroundStore = createBackgroundStore(objects);
  const explainer = createExplainer({
    host,
    background: createBackgroundReader(backgroundStore),
    blocks: blocksOf,
    readFile: (model, path) => readModelFile(store, model, path),
    // Apart from generated answers: nobody waits for an answer of the other kind.
    answerCached: createAnswerCached(cache, { maxEntryBytes: config.cache.maxEntryBytes }),
    bypassOf: createBypassOf({ enabled: config.cache.tiers.length > 0 }),
    maxRuns: config.maxExplanationRuns,
  });
  return {
    explainer,
    backgrounds: createBackgroundAdministration(backgroundStore, catalog),
    backgroundMaker: createBackgroundMaker({ blocks: blocksOf }),
  };
}
