import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { Call } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { Lease } from "../../domain/ports.ts";
import type { ModelSet } from "../task.ts";
import { createDecoder, type DecodedText } from "./decoder.ts";
import { logitsOutputOf } from "./last-logits.ts";
import { SharedRuns } from "./shared-runs.ts";
import { createRowFeeds } from "./token-feeds.ts";

/** A text with its lease, which ends when it is disposed. */
export type LeasedText = DecodedText & Disposable;

/** Begins the texts of a model. */
export interface TextBeginner {
  /** Where the model declares it. */
  readonly vocabularySize: number | undefined;
  /**
   * Leases the model, and reserves the memory of the text.
   * @param tokens that it has at most
   * @throws ApiError what {@link ModelSet.lease} throws
   */
  begin(models: ModelSet, tokens: number, call: Call): Promise<LeasedText>;
}

/** @param manifest of which the blocks were checked */
export function createTextBeginner(
  manifest: Pick<Manifest, "inputs" | "outputs">,
  prompt: Pick<PromptBlock, "inputs">,
  block: Pick<TextGenerationBlock, "logits" | "cache" | "context">,
): TextBeginner {
  const decoder = createDecoder(manifest, prompt, block);
  const { cache, context } = block;
  const toFeeds = createRowFeeds(manifest.inputs, prompt.inputs);
  const logits = logitsOutputOf(manifest, prompt, block);
  const shared =
    cache.independentTokens && cache.form === "in-place"
      ? new SharedRuns({ cache, toFeeds, logits }, context)
      : undefined;

  const beginAlone = (lease: Lease, tokens: number): LeasedText => ({
    ...decoder.begin(lease, tokens),
    [Symbol.dispose]: () => lease.dispose(),
  });

  return {
    vocabularySize: decoder.vocabularySize,
    async begin(models, tokens, { trace }) {
      const lease = await models.lease(shared ? 0 : decoder.reservedBytes(tokens));
      try {
        return trace.measure("infer", () =>
          shared ? shared.begin(lease, tokens, trace) : beginAlone(lease, tokens),
        );
      } catch (error) {
        lease.dispose();
        throw error;
      }
    },
  };
}
