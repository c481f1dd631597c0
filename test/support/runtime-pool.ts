import { createHash } from "node:crypto";
import type {
  Lease,
  LeasedModel,
  LoadedModel,
  ModelRuntime,
  ModelSource,
} from "../../src/domain/ports.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import { createModelPool } from "../../src/runtime/model-pool.ts";
import { sum } from "./awkward-models.ts";
import { floats, toNumbers } from "./cache-runs.ts";
import { createMemorySource } from "./memory-source.ts";
import { buildOnnx, type Graph } from "./onnx-builder.ts";

/** The runtime in Node, with the package's own wasm and a clock that tests set. */

export const MIB = 2 ** 20;
/** A cell that has not grown. */
export const CELL_BYTES = 16 * MIB;
/** Too large to share a cell, which need not grow for it. */
export const LARGE_MODEL_BYTES = 5 * MIB;

/** Milliseconds since the epoch, of the pools that are created here. */
export const clock = { ms: 1000 };

export function createPool(budgetBytes: number, loadTimeoutMs?: number): ModelRuntime {
  const timeout = loadTimeoutMs === undefined ? {} : { loadTimeoutMs };
  return createModelPool({ budgetBytes, now: () => clock.ms, ...timeout });
}

export function sourceOf(
  model: Graph | Uint8Array<ArrayBuffer>,
  options: { readonly name?: string; readonly heapBytes?: number } = {},
): ModelSource {
  const bytes = model instanceof Uint8Array ? model : buildOnnx(model);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return createMemorySource(bytes, { ...options, sha256 });
}

/** A model with a cell of its own, another one for each bias. */
export function largeSource(bias: number): ModelSource {
  return sourceOf(sum(bias), { name: `large-${bias}`, heapBytes: LARGE_MODEL_BYTES });
}

export const ignore = (): void => {};

export function lease(
  pool: ModelRuntime,
  source: ModelSource,
  { reservedBytes = 0, lifetimeMs = 60_000 } = {},
): Promise<Lease> {
  return pool.lease(source, ignore, { expiresAt: clock.ms + lifetimeMs, reservedBytes });
}

/** A load ends, and its cell is idle, when those who waited for it have used the model. */
export function endLoads(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Runs a {@link sum}. */
export async function use(pool: ModelRuntime, source: ModelSource, value = 1): Promise<number> {
  const x = floats("x", [1], [value]);
  const [y] = await pool.use(source, ignore, (model) => model.run([x], ["y"]));
  await endLoads();
  return y ? (toNumbers(y)[0] ?? Number.NaN) : Number.NaN;
}

/** The result of a leased {@link sum}. */
export function add(held: Lease, value: number): number {
  const [y] = held.model.run([floats("x", [1], [value])], ["y"]);
  return toNumbers(y)[0] ?? Number.NaN;
}

export function readyOf(pool: ModelRuntime, ...sources: readonly ModelSource[]): boolean[] {
  return sources.map(({ sha256 }) => pool.state(sha256).state === "ready");
}

/** Trips of a run of {@link additions} that takes years. */
export const FOREVER = 2n ** 60n;

/** Runs {@link additions}. */
export function addUp(times: bigint, x = 0): (model: LoadedModel | LeasedModel) => number {
  const data = new Uint8Array(BigInt64Array.of(times).buffer);
  const feeds: Tensor[] = [
    { name: "times", datatype: "INT64", shape: [], data },
    floats("x", [1], [x]),
  ];
  return (model) => {
    const [y] = model.run(feeds, ["y"]);
    return y ? (toNumbers(y)[0] ?? Number.NaN) : Number.NaN;
  };
}
