import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { NumericDatatype } from "../../domain/datatype.ts";
import { type NumericTensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";

/** The names of a decoder's inputs beside its cache. */
export type TokenInputs = PromptBlock["inputs"];

/** What a run reads of a text. */
export interface FedText {
  readonly ids: readonly number[];
  /** How many tokens were read before. */
  readonly past: number;
}

/** What a run reads beside the cache: the texts are rows, of which each has as many ids. */
export type ToRowFeeds = (texts: readonly FedText[]) => NumericTensor[];

/**
 * What a run of one text reads beside the cache.
 * @param past how many tokens were read before
 */
export type ToTokenFeeds = (ids: readonly number[], past: number) => NumericTensor[];

/** @param specs of the decoder's inputs */
export function createTokenFeeds(specs: readonly TensorSpec[], inputs: TokenInputs): ToTokenFeeds {
  const toFeeds = createRowFeeds(specs, inputs);
  return (ids, past) => toFeeds([{ ids, past }]);
}

/** @param specs of the decoder's inputs */
export function createRowFeeds(specs: readonly TensorSpec[], inputs: TokenInputs): ToRowFeeds {
  const datatypes = new Map(specs.map(({ name, datatype }) => [name, datatype]));
  const toIntegers = (name: string, shape: readonly number[], values: number[]): NumericTensor => {
    const datatype = datatypes.get(name) as NumericDatatype;
    return { name, datatype, shape, data: toIntegerBytes(datatype, values) };
  };
  return (texts) => {
    const rows = texts.length;
    const count = texts[0]?.ids.length ?? 0;
    const { attentionMask, positionIds, useCacheBranch, numLogitsToKeep } = inputs;
    const ids = texts.flatMap((text) => text.ids);
    const feeds = [toIntegers(inputs.ids, [rows, count], ids)];
    if (attentionMask !== undefined) {
      const longest = Math.max(...texts.map(({ past }) => past)) + count;
      const mask = new Array<number>(rows * longest).fill(0);
      for (const [row, { past }] of texts.entries())
        mask.fill(1, row * longest, row * longest + past + count);
      feeds.push(toIntegers(attentionMask, [rows, longest], mask));
    }
    if (positionIds !== undefined) {
      const positions = texts.flatMap(({ past }) =>
        Array.from({ length: count }, (_, index) => past + index),
      );
      feeds.push(toIntegers(positionIds, [rows, count], positions));
    }
    if (useCacheBranch !== undefined) {
      const hasPast = texts.some(({ past }) => past > 0);
      feeds.push(toIntegers(useCacheBranch, [1], [hasPast ? 1 : 0]));
    }
    if (numLogitsToKeep !== undefined) feeds.push(toIntegers(numLogitsToKeep, [], [1]));
    return feeds;
  };
}

/** Integers as the bytes of a tensor of INT64, INT32 or BOOL. */
export function toIntegerBytes(datatype: NumericDatatype, values: readonly number[]): Uint8Array {
  switch (datatype) {
    case "BOOL":
      return Uint8Array.from(values);
    case "INT32":
      return toBytes(Int32Array.from(values));
    default:
      return toBytes(BigInt64Array.from(values, BigInt));
  }
}
