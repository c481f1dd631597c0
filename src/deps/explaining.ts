import type { EntryStore } from "../cache/entry-store.ts";
import type { Config } from "../config.ts";
import type { BackgroundReader } from "../domain/explanation/background.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ModelStore } from "../domain/ports.ts";
import { createAnswerCached } from "../inference/answer-cached.ts";
import { createBypassOf } from "../inference/cache-directives.ts";
import { createExplainer, type Explainer } from "../inference/explaining/explain.ts";
import { readModelFile } from "../registry/model-files.ts";
import { CreatedOnce } from "../shared/created-once.ts";
import { type BatchBlocks, createBlocks, type TaskTools } from "../tasks/registry.ts";

export interface ExplainingParts {
  readonly host: Pick<ModelHost, "infer" | "execute">;
  readonly store: ModelStore;
  readonly cache: EntryStore;
  readonly config: Pick<Config, "cache" | "maxExplanationRuns">;
  readonly tools: TaskTools;
  readonly background: BackgroundReader;
}

/** How long a request waits for blocks that another one began to create, before it begins itself: they read some megabytes. */
const MAX_BLOCKS_WAIT_MS = 10_000;

/** What explains the answers of versions, wherever they run. */
export function createExplaining({
  host,
  store,
  cache,
  config,
  tools,
  background,
}: ExplainingParts): Explainer {
  /** Kept as long as their manifests. */
  const blocks = new CreatedOnce<Manifest, BatchBlocks | undefined>(MAX_BLOCKS_WAIT_MS);
  return createExplainer({
    host,
    background,
    blocks: (model, call) => {
      const { manifest } = model;
      const create = (): Promise<BatchBlocks | undefined> =>
        createBlocks(manifest, (path) => readModelFile(store, model, path), tools);
      return blocks.get(manifest, create, call);
    },
    readFile: (model, path) => readModelFile(store, model, path),
    // Apart from generated answers: nobody waits for an answer of the other kind.
    answerCached: createAnswerCached(cache, { maxEntryBytes: config.cache.maxEntryBytes }),
    bypassOf: createBypassOf({ enabled: config.cache.tiers.length > 0 }),
    maxRuns: config.maxExplanationRuns,
  });
}
