import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { Call } from "../../domain/call.ts";
import { keepingClient } from "../../domain/keeping-client.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { Lease } from "../../domain/ports.ts";
import type { ModelSet } from "../task.ts";
import { createDecoder, type DecodedText, type Decoder } from "./decoder.ts";
import { Independence } from "./independence.ts";
import { KeptPrefixes } from "./kept-prefixes.ts";
import { logitsOutputOf } from "./last-logits.ts";
import { SharedRuns } from "./shared-runs.ts";
import { createRowFeeds } from "./token-feeds.ts";

/** A text with its lease, which ends when it is disposed. */
export type LeasedText = DecodedText & Disposable & { readonly cachedTokens: number };

/** What is known of a text before it begins. */
export interface BegunText {
  /** Of its prompt. */
  readonly ids: readonly number[];
  /** That follow the prompt at most. */
  readonly newTokens: number;
  /** Whether each token of the prompt is read by itself, which nothing that was kept replaces. */
  readonly readsEach?: boolean;
}

/** Begins the texts of a model. */
export interface TextBeginner {
  /** Where the model declares it. */
  readonly vocabularySize: number | undefined;
  /**
   * Leases the model, and reserves the memory of the text.
   * @throws ApiError what {@link ModelSet.lease} throws
   */
  begin(models: ModelSet, request: BegunText, call: Call): Promise<LeasedText>;
}

/** @param manifest of which the blocks were checked */
export function createTextBeginner(
  manifest: Pick<Manifest, "inputs" | "outputs" | "cache" | "preprocess">,
  prompt: Pick<PromptBlock, "inputs">,
  block: Pick<TextGenerationBlock, "logits" | "cache" | "context">,
): TextBeginner {
  return block.cache.independentTokens
    ? beginTogether(manifest, prompt, block)
    : beginAlone(createDecoder(manifest, prompt, block));
}

/** Each text has runs and a cache of its own. */
function beginAlone(decoder: Decoder): TextBeginner {
  return {
    vocabularySize: decoder.vocabularySize,
    async begin(models, { ids, newTokens }, { trace }) {
      const tokens = ids.length + newTokens;
      const lease = await models.lease(decoder.reservedBytes(tokens));
      return disposedAfter(lease, () => ({
        ...trace.measure("infer", () => decoder.begin(lease, tokens), 0),
        cachedTokens: 0,
        [Symbol.dispose]: () => lease.dispose(),
      }));
    },
  };
}

/** Texts share their runs, and the prefixes of earlier ones. */
function beginTogether(
  manifest: Pick<Manifest, "inputs" | "outputs" | "cache" | "preprocess">,
  prompt: Pick<PromptBlock, "inputs">,
  block: Pick<TextGenerationBlock, "logits" | "cache" | "context">,
): TextBeginner {
  const { cache, context } = block;
  const logits = logitsOutputOf(manifest, prompt, block);
  const toFeeds = createRowFeeds(manifest.inputs, prompt.inputs);
  const model = { cache, toFeeds, logits };
  const independence = new Independence(model);
  const runs = new SharedRuns(model, context, independence);
  const prefixes = new KeptPrefixes(cache);

  return {
    vocabularySize: logits.vocabularySize,
    async begin(models, { ids, newTokens, readsEach = false }, call) {
      const { trace } = call;
      const client = readsEach ? undefined : await keepingClient(manifest, call);
      const lease = await models.lease();
      return disposedAfter(lease, () =>
        trace.measure(
          "infer",
          () => {
            const text = runs.begin(lease, ids.length + newTokens, trace);
            if (client === undefined) return text;
            const found = prefixes.find(client, ids);
            if (found && independence.isSeen(lease)) text.restore(found.handles, found.tokens);
            text.promptRead = () => prefixes.keep(client, ids, lease, text.cache);
            return text;
          },
          0,
        ),
      );
    },
  };
}

function disposedAfter<T>(lease: Lease, work: () => T): T {
  try {
    return work();
  } catch (error) {
    lease.dispose();
    throw error;
  }
}
