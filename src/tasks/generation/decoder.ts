import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { Lease } from "../../domain/ports.ts";
import type { RunFeed, RunOutput, TensorHandle } from "../../domain/tensor-handle.ts";
import { createForkableCache } from "./forkable-cache.ts";
import { cacheBytes } from "./key-value-cache.ts";
import { logitsOutputOf, toLastLogits } from "./last-logits.ts";
import { createTokenFeeds } from "./token-feeds.ts";

/** A model that reads tokens and computes the logits of the next one. */
export interface Decoder {
  /** Memory that a text of this many tokens takes beside the model. */
  reservedBytes(tokens: number): number;
  /**
   * Begins a text.
   * @param tokens that it has at most
   */
  begin(lease: Lease, tokens: number): DecodedText;
  /** Where the model declares it. */
  readonly vocabularySize: number | undefined;
}

/** A text in the memory of a leased model. */
export interface DecodedText {
  /** Tokens of a run after the first one; `undefined` for any number. */
  readonly laterRunTokens: number | undefined;
  /** Reads tokens that follow those before. */
  read(ids: readonly number[]): void;
  /** Reads tokens, and computes the logits of the one that follows them. */
  next(ids: readonly number[]): Float32Array;
  /** Tokens at its beginning that need not be read; 0 when left out. */
  readonly cachedTokens?: number;
  /** Called when all of the prompt has been read. */
  promptRead?(): void;
  /** Of texts that share their runs. */
  readonly together?: TextTogether;
}

/** A text whose tokens may be read in the same run as those of others. */
export interface TextTogether {
  /** Announces what the next call of `next` will read: a run for another text may read it before. */
  announce(id: number): void;
  /** Whether a run would read more texts a little later. */
  readonly expectsOthers: boolean;
}

/** @param manifest of which the blocks were checked */
export function createDecoder(
  manifest: Pick<Manifest, "inputs" | "outputs">,
  prompt: Pick<PromptBlock, "inputs">,
  block: Pick<TextGenerationBlock, "logits" | "cache">,
): Decoder {
  const { cache } = block;
  const logits = logitsOutputOf(manifest, prompt, block);
  const toFeeds = createTokenFeeds(manifest.inputs, prompt.inputs);

  return {
    reservedBytes: (tokens) => cacheBytes(cache, tokens),
    vocabularySize: logits.vocabularySize,
    begin(lease, tokens) {
      const keyValues = createForkableCache(lease, cache, tokens);
      let past = 0;
      const run = (ids: readonly number[], first: readonly RunOutput[]) => {
        const feeds: RunFeed[] = [...toFeeds(ids, past), ...keyValues.feeds];
        const results = lease.model.run(feeds, [...first, ...keyValues.outputs]);
        // All outputs of a cache are kept, or written to handles.
        keyValues.advance(results.slice(first.length) as TensorHandle[]);
        past += ids.length;
        return results[0];
      };
      return {
        // The branch with a cache may have been traced for a single token.
        laterRunTokens: prompt.inputs.useCacheBranch === undefined ? undefined : 1,
        read(ids) {
          run(ids, []);
        },
        next: (ids) => toLastLogits(run(ids, [logits.output])),
      };
    },
  };
}
