import type { Lease, LeasedModel } from "../../src/domain/ports.ts";
import { type NumericTensor, type Tensor, toTypedArray } from "../../src/domain/tensor.ts";
import type { RunFeed, TensorBinding, TensorHandle } from "../../src/domain/tensor-handle.ts";

/**
 * Runs of the models of `test/fixtures/caches`, in Node as in workerd, with the cache `copied` out
 * and in, kept and fed to the next run (`growing`), or of a fixed length and updated `in-place`.
 */
export const CACHE_MODES = ["copied", "growing", "in-place"] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export interface CacheRuns {
  readonly model: "growing" | "attention";
  readonly mode: CacheMode;
  /** The input `x` of each step. */
  readonly x: readonly (readonly number[])[];
  /** Layers of the attention model. */
  readonly layers: number;
  /** What a cache that is updated in place can hold. */
  readonly cacheLength: number;
}

/** The first output of each step, and what the caches are in the end. */
export interface CacheResults {
  readonly outputs: number[][];
  readonly caches: number[][];
}

const KV_HEADS = 2;
const HEAD_SIZE = 8;

export function runWithCache(lease: Lease, runs: CacheRuns): CacheResults {
  const { model, layers, x, mode, cacheLength } = runs;
  const pasts =
    model === "growing"
      ? ["past"]
      : Array.from({ length: layers }, (_, layer) =>
          ["key", "value"].map((part) => `past_key_values.${layer}.${part}`),
        ).flat();
  const presents = pasts.map((name) =>
    name.replace("past_key_values", "present").replace("past", "present"),
  );
  const shape = (length: number): number[] =>
    model === "growing" ? [1, length, x[0]?.length ?? 0] : [1, KV_HEADS, length, HEAD_SIZE];
  const output = model === "growing" ? "y" : "logits";
  const feedsOf = (step: number): Tensor[] => {
    const token = floats("x", [1, 1, x[step]?.length ?? 0], x[step] ?? []);
    return model === "growing"
      ? [token]
      : [token, int32("last", [1], step), int32("total", [], step + 1)];
  };
  const rows = x.map((_, step) => step);

  if (mode === "copied") {
    let caches: Tensor[] = pasts.map((name) => floats(name, shape(0), []));
    const outputs = rows.map((step) => {
      const [first, ...rest] = lease.model.run(
        [...feedsOf(step), ...caches],
        [output, ...presents],
      );
      caches = rest.map((tensor, index) => ({ ...tensor, name: pasts[index] ?? "" }));
      return toNumbers(first);
    });
    return { outputs, caches: caches.map(toNumbers) };
  }
  if (mode === "growing") {
    let caches = pasts.map((name) => lease.allocate(name, "FP32", shape(0)));
    const outputs = rows.map((step) => {
      const bindings = bind(pasts, caches);
      const kept = presents.map((name) => ({ name, keep: true }) as const);
      const [first, ...rest] = lease.model.run([...feedsOf(step), ...bindings], [output, ...kept]);
      for (const cache of caches) cache.dispose();
      caches = rest;
      return toNumbers(first);
    });
    return { outputs, caches: readAll(caches) };
  }
  const caches = pasts.map((name) => lease.allocate(name, "FP32", shape(cacheLength)));
  const outputs = rows.map((step) =>
    toNumbers(
      runInPlace(
        lease.model,
        [...feedsOf(step), ...bind(pasts, caches)],
        output,
        bind(presents, caches),
      ),
    ),
  );
  return { outputs, caches: readAll(caches) };
}

function runInPlace(
  model: LeasedModel,
  feeds: readonly RunFeed[],
  output: string,
  presents: readonly TensorBinding[],
): Tensor {
  const [first, ...written] = model.run(feeds, [output, ...presents]);
  if (written.some((handle, index) => handle !== presents[index]?.handle))
    throw new Error("a run did not return the handles that it wrote to");
  return first;
}

function bind(names: readonly string[], handles: readonly TensorHandle[]): TensorBinding[] {
  return handles.map((handle, index) => ({ name: names[index] ?? "", handle }));
}

function readAll(handles: readonly TensorHandle[]): number[][] {
  return handles.map((handle) => {
    const tensor = toNumbers(handle.read());
    handle.dispose();
    return tensor;
  });
}

export function floats(
  name: string,
  shape: readonly number[],
  values: readonly number[],
): NumericTensor {
  return { name, datatype: "FP32", shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

function int32(name: string, shape: readonly number[], value: number): NumericTensor {
  return { name, datatype: "INT32", shape, data: new Uint8Array(Int32Array.of(value).buffer) };
}

export function toNumbers(tensor: Tensor): number[] {
  if (tensor.datatype === "BYTES") throw new Error(`${tensor.name} has no numbers`);
  return Array.from(toTypedArray(tensor), Number);
}
