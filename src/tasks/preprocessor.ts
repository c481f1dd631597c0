import type { z } from "zod";
import type { Call } from "../domain/call.ts";
import type { InputForm } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { Trace } from "../domain/trace.ts";

/** One input to predict for, and its name in error messages: `inputs`, `inputs[3]`, `row 7`. */
export interface Item {
  readonly value: unknown;
  readonly path: string;
}

export interface Items {
  readonly items: readonly Item[];
  readonly form: InputForm;
}

/** What a postprocessor needs of an item beside the model's outputs; each preprocessor has a kind of its own. */
export interface ItemMetadata {
  readonly kind: string;
}

export interface PreprocessedBatch {
  readonly tensors: readonly Tensor[];
  /** One for each item; of preprocessors whose postprocessors need any. */
  readonly metadata?: readonly ItemMetadata[];
}

/** Items as `toTensors` takes them, and the runs that they are grouped into, by index; each item is in one run. */
export interface Plan {
  readonly items: readonly Item[];
  readonly runs: readonly (readonly number[])[];
  /** Tokens of all items, special ones included; of preprocessors that count them. */
  readonly tokens?: number;
}

/** What a preprocessor gets of a request beside its items. */
export interface PreprocessContext<S extends z.ZodObject = z.ZodObject> {
  /** Parsed by the preprocessor's own schema. */
  readonly parameters: z.output<S>;
  /** Durations go into `decode` (codecs) and `preprocess`. */
  readonly trace: Trace;
  /** {@link Call.checkpoint}, to be awaited between two pieces of work. */
  readonly checkpoint: Call["checkpoint"];
}

/**
 * Turns the inputs of requests into tensors. Created once for each version of a model.
 * @typeParam I a promise where splitting is long enough to need checkpoints
 */
export interface Preprocessor<
  S extends z.ZodObject = z.ZodObject,
  I extends Items | Promise<Items> = Items,
> {
  /** Media types that it takes beside JSON, as raw bodies and as parts of a form. */
  readonly mediaTypes: readonly string[];
  readonly parameters: S;
  /** How many items one run takes at most. */
  readonly maxBatch: number;
  /**
   * Splits the inputs into items, without reading these.
   * @param checkpoint {@link Call.checkpoint}, to be awaited between two pieces of work
   * @throws ApiError `invalid_input`, `invalid_shape` that say what inputs the model takes
   */
  split(inputs: unknown, parameters: z.output<S>, checkpoint?: Call["checkpoint"]): I;
  /**
   * Prepares all items and groups them into runs, where items differ in size. Left out, the items run in their order,
   * `maxBatch` at a time.
   * @throws ApiError `invalid_input` that names the item
   */
  plan?(items: readonly Item[], context: PreprocessContext<S>): Promise<Plan>;
  /**
   * @param items of one run: at least one, at most `maxBatch`
   * @throws ApiError `invalid_input`, `invalid_shape`, ... that name the item
   */
  toTensors(
    items: readonly Item[],
    context: PreprocessContext<S>,
  ): PreprocessedBatch | Promise<PreprocessedBatch>;
}

export type AnyPreprocessor = Preprocessor<z.ZodObject, Items | Promise<Items>>;

/**
 * How many values the items of a request may have together. Each is a string or a number in memory, some tens of
 * bytes, and a run needs a multiple of that.
 */
export const MAX_VALUES = 500_000;

/**
 * One value, or a list of values.
 * @param checkCount throws for more values than a request may have: an item takes more memory than a number in a body
 */
export function splitList(inputs: unknown, checkCount: (count: number) => void): Items {
  if (!Array.isArray(inputs)) return { items: [{ value: inputs, path: "inputs" }], form: "one" };
  checkCount(inputs.length);
  const items = inputs.map((value, index) => ({ value, path: `inputs[${index}]` }));
  return { items, form: "list" };
}

/** How many items one run takes: the first dimension of the model's input, or `limit` where it is dynamic. */
export function maxBatchOf(batch: number | string | undefined, limit: number): number {
  return typeof batch === "number" && batch > 0 ? batch : limit;
}

/** Values of a run of rows: about 25 ms of the CNN for digits, with 64 values a row (measured). */
const RUN_VALUES = 4096;

/**
 * Rows of one run, so that other requests run in between: a run cannot be interrupted. It depends on the size of a row
 * only, since a model that quantizes its inputs by run would otherwise answer the same request in different ways.
 */
export function rowsPerRun(batch: number | string | undefined, valuesPerRow: number): number {
  return maxBatchOf(batch, Math.max(1, Math.floor(RUN_VALUES / Math.max(1, valuesPerRow))));
}
