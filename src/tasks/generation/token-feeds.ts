import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { NumericDatatype } from "../../domain/datatype.ts";
import { type NumericTensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";

/** The names of a decoder's inputs beside its cache. */
export type TokenInputs = PromptBlock["inputs"];

/**
 * What a run reads beside the cache.
 * @param past how many tokens were read before
 */
export type ToTokenFeeds = (ids: readonly number[], past: number) => NumericTensor[];

/** @param specs of the decoder's inputs */
export function createTokenFeeds(specs: readonly TensorSpec[], inputs: TokenInputs): ToTokenFeeds {
  const datatypes = new Map(specs.map(({ name, datatype }) => [name, datatype]));
  const toIntegers = (name: string, shape: readonly number[], values: number[]): NumericTensor => {
    const datatype = datatypes.get(name) as NumericDatatype;
    return { name, datatype, shape, data: toIntegerBytes(datatype, values) };
  };
  return (ids, past) => {
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
