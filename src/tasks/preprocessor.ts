import type { z } from "zod";
import type { InputForm } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { Trace } from "../domain/trace.ts";

/** One thing to predict for, and how messages call it: `inputs`, `inputs[3]`, `the body`. */
export interface Item {
  readonly value: unknown;
  readonly place: string;
}

export interface Items {
  readonly items: readonly Item[];
  readonly form: InputForm;
}

/** What a postprocessor needs to know of an item beside the model's outputs; each preprocessor has its own kind. */
export interface ItemMetadata {
  readonly kind: string;
}

export interface PreprocessedBatch {
  readonly tensors: readonly Tensor[];
  /** One for each item, where postprocessors need any. */
  readonly metadata?: readonly ItemMetadata[];
}

/** Items as `toTensors` takes them, and which of them run together, by their index; each in one run. */
export interface Plan {
  readonly items: readonly Item[];
  readonly runs: readonly (readonly number[])[];
  /** How many tokens the model reads of all items, where there are any. */
  readonly tokens?: number;
}

/** What a preprocessor is told of the request. */
export interface PreprocessContext<S extends z.ZodObject = z.ZodObject> {
  /** By the preprocessor's own schema. */
  readonly parameters: z.output<S>;
  /** Durations go into `decode` (codecs) and `preprocess`. */
  readonly trace: Trace;
}

/** Turns what people have into tensors. Made once for each version of a model. */
export interface Preprocessor<S extends z.ZodObject = z.ZodObject> {
  /** Media types that it takes beside JSON, as raw bodies and as parts of a form. */
  readonly mediaTypes: readonly string[];
  readonly parameters: S;
  /** How many items one run takes at most. */
  readonly maxBatch: number;
  /**
   * Takes the inputs apart, without a look into the items.
   * @throws ApiError `invalid_input`, `invalid_shape` that say what inputs of this model look like
   */
  split(inputs: unknown, parameters: z.output<S>): Items;
  /**
   * Prepares all items and groups them into runs, where their number alone does not tell what a run needs.
   * Left out, the items run in their order, `maxBatch` at a time.
   * @throws ApiError `invalid_input` that names the item by its place
   */
  plan?(items: readonly Item[], context: PreprocessContext<S>): Plan;
  /**
   * @param items of one run: at least one, at most `maxBatch`
   * @throws ApiError `invalid_input`, `invalid_shape`, ... that name the item by its place
   */
  toTensors(
    items: readonly Item[],
    context: PreprocessContext<S>,
  ): PreprocessedBatch | Promise<PreprocessedBatch>;
}

/**
 * The items of a request may have so many values in all. Each is a text or a number of its own, some tens of
 * bytes in memory, and what a run needs for it is a multiple of that.
 */
export const MAX_VALUES = 500_000;

/** One value, or a list of values. */
export function splitList(inputs: unknown): Items {
  if (!Array.isArray(inputs)) return { items: [{ value: inputs, place: "inputs" }], form: "one" };
  const items = inputs.map((value, index) => ({ value, place: `inputs[${index}]` }));
  return { items, form: "list" };
}

/** How many items a run takes whose input has this first dimension; `limit` where it is dynamic. */
export function maxBatchOf(batch: number | string | undefined, limit: number): number {
  return typeof batch === "number" && batch > 0 ? batch : limit;
}
