import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { NumericDatatype } from "../../domain/datatype.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { Lease } from "../../domain/ports.ts";
import { type NumericTensor, type Tensor, toBytes, toTypedArray } from "../../domain/tensor.ts";
import type { RunFeed, RunOutput, TensorHandle } from "../../domain/tensor-handle.ts";
import { outputMismatch } from "../output-errors.ts";
import { cacheBytes, createKeyValueCache, type KeyValueCache } from "./key-value-cache.ts";

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
}

/** @param manifest of which the blocks were checked */
export function createDecoder(
  manifest: Pick<Manifest, "inputs" | "outputs">,
  { inputs }: Pick<PromptBlock, "inputs">,
  { logits, cache }: Pick<TextGenerationBlock, "logits" | "cache">,
): Decoder {
  const declared = manifest.outputs.find(({ name }) => name === logits)?.shape;
  const isLastOnly = declared?.[1] === 1 || inputs.numLogitsToKeep !== undefined;
  const datatypes = new Map(manifest.inputs.map(({ name, datatype }) => [name, datatype]));
  const logitsOutput: RunOutput = isLastOnly ? logits : { name: logits, keep: true };

  const toIntegers = (name: string, shape: readonly number[], values: number[]): NumericTensor => {
    const datatype = datatypes.get(name) as NumericDatatype;
    return { name, datatype, shape, data: toIntegerBytes(datatype, values) };
  };

  /** What a run reads beside the cache. */
  const toFeeds = (ids: readonly number[], past: number): NumericTensor[] => {
    const count = ids.length;
    const { attentionMask, positionIds, useCacheBranch, numLogitsToKeep } = inputs;
    const feeds = [toIntegers(inputs.ids, [1, count], [...ids])];
    if (attentionMask !== undefined) {
      const total = past + count;
      feeds.push(toIntegers(attentionMask, [1, total], new Array(total).fill(1)));
    }
    if (positionIds !== undefined) {
      const positions = Array.from({ length: count }, (_, index) => past + index);
      feeds.push(toIntegers(positionIds, [1, count], positions));
    }
    if (useCacheBranch !== undefined)
      feeds.push(toIntegers(useCacheBranch, [1], [past > 0 ? 1 : 0]));
    if (numLogitsToKeep !== undefined) feeds.push(toIntegers(numLogitsToKeep, [], [1]));
    return feeds;
  };

  return {
    reservedBytes: (tokens) => cacheBytes(cache, tokens),
    vocabularySize: fixedSize(declared?.[2]),
    begin(lease, tokens) {
      const keyValues = createKeyValueCache(lease, cache, tokens);
      let past = 0;
      const run = (ids: readonly number[], first: readonly RunOutput[]) => {
        const feeds: RunFeed[] = [...toFeeds(ids, past), ...keyValues.feeds];
        const results = lease.model.run(feeds, [...first, ...keyValues.outputs]);
        advance(keyValues, results.slice(first.length));
        past += ids.length;
        return results[0];
      };
      return {
        // The branch with a cache may have been traced for a single token.
        laterRunTokens: inputs.useCacheBranch === undefined ? undefined : 1,
        read(ids) {
          run(ids, []);
        },
        next: (ids) => toLastLogits(run(ids, [logitsOutput])),
      };
    },
  };
}

function advance(cache: KeyValueCache, results: readonly (Tensor | TensorHandle)[]): void {
  // All outputs of a cache are kept, or written to handles.
  cache.advance(results as readonly TensorHandle[]);
}

function toIntegerBytes(datatype: NumericDatatype, values: readonly number[]): Uint8Array {
  switch (datatype) {
    case "BOOL":
      return Uint8Array.from(values);
    case "INT32":
      return toBytes(Int32Array.from(values));
    default:
      return toBytes(BigInt64Array.from(values, BigInt));
  }
}

/** The logits of the last token of a run, which alone are copied. */
function toLastLogits(result: Tensor | TensorHandle | undefined): Float32Array {
  if (result?.datatype !== "FP32") throw outputMismatch(undefined, "logits of FP32");
  const vocabulary = result.shape.at(-1) ?? 0;
  const rows = result.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (rows < 1 || vocabulary < 1) throw new Error(`logits of shape ${result.shape}`);
  if ("data" in result) {
    const values = toTypedArray(result as NumericTensor) as Float32Array;
    return values.subarray((rows - 1) * vocabulary);
  }
  const handle = result as TensorHandle;
  try {
    const data = handle.readElements((rows - 1) * vocabulary, vocabulary);
    return new Float32Array(data.buffer, data.byteOffset, vocabulary);
  } finally {
    handle.dispose();
  }
}
