import type { CacheBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import { NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import type { Lease } from "../../domain/ports.ts";
import type { TensorBinding, TensorHandle } from "../../domain/tensor-handle.ts";

/** The bytes that a cache takes in its form: one that grows exists twice while its run writes the next one. */
export function cacheBytes(cache: CacheBlock, tokens: number): number {
  return tokenBytes(cache) * tokens * (cache.form === "growing" ? 2 : 1);
}

/** The bytes of a token's keys and values. */
export function tokenBytes({ layers, heads, headSize, datatype }: CacheBlock): number {
  return 2 * layers * heads * headSize * NUMERIC_DATATYPES[datatype].elementBytes;
}

/** A text in a tensor of several: of shape [rows, heads, length, size]. */
export interface CacheRow {
  readonly tensor: TensorHandle;
  readonly row: number;
}

/** Copies the first tokens of a row, which may be of another length. */
export function copyRow(lease: Lease, source: CacheRow, target: CacheRow, tokens: number): void {
  const positionsOf = ({ tensor: { shape }, row }: CacheRow) => {
    const [, heads = 0, length = 0, size = 0] = shape;
    return { start: row * heads * length * size, stride: length * size };
  };
  const [, heads = 0, , size = 0] = source.tensor.shape;
  lease.copy(source.tensor, target.tensor, {
    blocks: heads,
    elements: tokens * size,
    from: positionsOf(source),
    to: positionsOf(target),
  });
}

/** A tensor for the first tokens of another one. */
export function allocatePrefix(
  lease: Lease,
  { name, datatype, shape }: TensorHandle,
  tokens: number,
): TensorHandle {
  const [, heads = 0, , size = 0] = shape;
  return lease.allocate(name, datatype, [1, heads, tokens, size]);
}

/** Copies the first tokens of each tensor of a text to the tensor in the same place. */
export function copyPrefixes(
  lease: Lease,
  sources: readonly TensorHandle[],
  targets: readonly TensorHandle[],
  tokens: number,
): void {
  for (const [index, target] of targets.entries()) {
    const tensor = sources[index];
    if (tensor) copyRow(lease, { tensor, row: 0 }, { tensor: target, row: 0 }, tokens);
  }
}

/** Which input or output of a run each tensor is. */
export function bindings(
  names: readonly string[],
  handles: readonly TensorHandle[],
): TensorBinding[] {
  return handles.map((handle, index) => ({ name: names[index] ?? handle.name, handle }));
}
