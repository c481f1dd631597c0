import { ENCODER } from "../../domain/blocks/encoder-name.ts";
import {
  crossCacheNames,
  type EncoderDecoderFields,
} from "../../domain/blocks/postprocess/encoder-decoder.ts";
import type { Call } from "../../domain/call.ts";
import { NUMERIC_DATATYPES, type NumericDatatype } from "../../domain/datatype.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { Lease } from "../../domain/ports.ts";
import type { NumericTensor, Tensor } from "../../domain/tensor.ts";
import type { RunOutput, TensorBinding, TensorHandle } from "../../domain/tensor-handle.ts";
import { outputMismatch } from "../output-errors.ts";
import type { ModelSet } from "../task.ts";
import type { DecodedText } from "./decoder.ts";
import { createForkableCache, type ForkableCache } from "./forkable-cache.ts";
import { cacheBytes } from "./key-value-cache.ts";
import { logitsOutputOf, toLastLogits } from "./last-logits.ts";
import { createTokenFeeds, toIntegerBytes } from "./token-feeds.ts";

/** A model that reads an input as a whole, and one that writes a text about it, token by token. */
export interface EncoderDecoder {
  /**
   * Runs the encoder once. Texts may be written about its outputs as often as wanted.
   * @param inputs of the encoder
   * @throws ApiError what leases and runs throw
   */
  encode(models: ModelSet, inputs: readonly Tensor[], call: Call): Promise<EncodedInput>;
  /**
   * Memory that texts take beside the decoder.
   * @param tokens that each of them has at most
   * @param texts at the same time
   */
  reservedBytes(tokens: number, input: EncodedInput, texts?: number): number;
  /** Puts what was encoded in the memory of the leased decoder, for texts that end with the lease. */
  attach(lease: Lease, input: EncodedInput): AttachedDecoder;
  /** Where the decoder declares it. */
  readonly vocabularySize: number | undefined;
}

/** What an encoder has made of an input. */
export interface EncodedInput {
  /** The inputs of the decoder that each run reads. */
  readonly tensors: readonly NumericTensor[];
  readonly positions: number;
}

/** A decoder with an input to write about. */
export interface AttachedDecoder {
  /**
   * Begins a text.
   * @param tokens that it has at most
   */
  begin(tokens: number): EncodedText;
}

export interface EncodedText extends DecodedText {
  /** The same text, to be continued in another way. */
  fork(): EncodedText;
  /** Releases its memory, before the lease does. */
  dispose(): void;
}

/** @param manifest of which the blocks were checked */
export function createEncoderDecoder(
  { inputs, outputs }: Pick<Manifest, "inputs" | "outputs">,
  fields: EncoderDecoderFields,
): EncoderDecoder {
  const { cache, crossCache, encoderFeeds, encoderAttentionMask } = fields;
  const { useCacheBranch } = fields.inputs;
  const logits = logitsOutputOf({ outputs }, fields, fields);
  const toFeeds = createTokenFeeds(inputs, fields.inputs);
  const encoderOutputs = [...new Set(Object.values(encoderFeeds))];
  const maskType = inputs.find(({ name }) => name === encoderAttentionMask)?.datatype;
  const crossPasts = crossCacheNames(fields, "past");
  const crossPresents = crossCacheNames(fields, "present");

  /** A single input has no padding. */
  const toMask = (positions: number): NumericTensor[] => {
    if (encoderAttentionMask === undefined) return [];
    const datatype = maskType as NumericDatatype;
    const data = toIntegerBytes(datatype, new Array(positions).fill(1));
    return [{ name: encoderAttentionMask, datatype, shape: [1, positions], data }];
  };

  const crossBytes = (positions: number): number => {
    if (!crossCache) return 0;
    const { layers, heads, headSize, datatype } = cache;
    const { elementBytes } = NUMERIC_DATATYPES[datatype];
    return 2 * layers * heads * headSize * positions * elementBytes;
  };

  return {
    vocabularySize: logits.vocabularySize,
    async encode(models, given, { trace }) {
      using lease = await models.lease(0, ENCODER);
      const results = trace.measure("infer", () => lease.model.run(given, encoderOutputs));
      const tensors = Object.entries(encoderFeeds).map(([name, output]) => {
        const result = results[encoderOutputs.indexOf(output)];
        if (!result || result.datatype === "BYTES")
          throw outputMismatch(result, `numbers for "${output}"`);
        return { ...result, name };
      });
      const positions = positionsOf(tensors);
      return { tensors: [...tensors, ...toMask(positions)], positions };
    },
    reservedBytes(tokens, { tensors, positions }, texts = 1) {
      const encodedBytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
      return texts * cacheBytes(cache, tokens) + encodedBytes + crossBytes(positions);
    },
    attach(lease, { tensors }) {
      const encoded = tensors.map((tensor) => ({ name: tensor.name, handle: lease.place(tensor) }));
      const none = crossPasts.map((name) => ({
        name,
        handle: lease.allocate(name, cache.datatype, [1, cache.heads, 0, cache.headSize]),
      }));
      /** Of the first run of the first text, whose results all later runs read. */
      let cross: readonly TensorBinding[] | undefined;

      const createText = (keyValues: ForkableCache, read: number): EncodedText => {
        let past = read;
        const run = (ids: readonly number[], first: readonly RunOutput[]) => {
          const crossOutputs = cross ? [] : keep(crossPresents);
          const results = lease.model.run(
            [...toFeeds(ids, past), ...encoded, ...(cross ?? none), ...keyValues.feeds],
            [...first, ...keyValues.outputs, ...crossOutputs],
          );
          // All but the logits are kept, or written to handles.
          const handles = results.slice(first.length) as TensorHandle[];
          keyValues.advance(handles.slice(0, keyValues.outputs.length));
          cross ??= crossPasts.map((name, index) => {
            const handle = handles[keyValues.outputs.length + index];
            if (!handle) throw new Error(`no result for ${name}`);
            return { name, handle };
          });
          past += ids.length;
          return results[0];
        };
        return {
          // The branch with a cache may have been traced for a single token.
          laterRunTokens: useCacheBranch === undefined ? undefined : 1,
          read(ids) {
            run(ids, []);
          },
          next: (ids) => toLastLogits(run(ids, [logits.output])),
          fork: () => createText(keyValues.fork(), past),
          dispose: () => keyValues.dispose(),
        };
      };
      return { begin: (tokens) => createText(createForkableCache(lease, cache, tokens), 0) };
    },
  };
}

/** Hidden states have the shape [1, positions, size], keys and values [1, heads, positions, size]. */
function positionsOf([first]: readonly NumericTensor[]): number {
  return first?.shape.at(-2) ?? 0;
}

function keep(names: readonly string[]): RunOutput[] {
  return names.map((name) => ({ name, keep: true }));
}
