import type { z } from "zod";
import type { RequestTrace } from "../domain/event.ts";
import type { Tensor } from "../domain/tensor.ts";

/** One thing to predict for, and how messages call it: `inputs`, `inputs[3]`, `the body`. */
export interface Item {
  readonly value: unknown;
  readonly place: string;
}

/**
 * In what form the inputs came, which decides the form of the answer: one item, a list of items, or
 * sentences to be compared with a first one.
 */
export type Form = "one" | "list" | "comparison";

export interface Items {
  readonly items: readonly Item[];
  readonly form: Form;
}

/** What a decoder needs to know of an item beside the model's outputs; each encoder has its own kind. */
export interface ItemNote {
  readonly kind: string;
}

export interface Encoded {
  readonly tensors: readonly Tensor[];
  /** One for each item, where decoders need any. */
  readonly notes?: readonly ItemNote[];
}

/** Items as `encode` takes them, and which of them run together, by their index; each in one run. */
export interface Plan {
  readonly items: readonly Item[];
  readonly runs: readonly (readonly number[])[];
  /** How many tokens the model reads of all items, where there are any. */
  readonly tokens?: number;
}

/** What an encoder is told of the request. */
export interface EncodeContext<S extends z.ZodObject = z.ZodObject> {
  /** By the encoder's own schema. */
  readonly parameters: z.output<S>;
  /** Durations go into `decode` (codecs, tokenizers) and `preprocess` (what follows). */
  readonly trace: RequestTrace;
}

/** Turns what people have into tensors. Made once for each version of a model. */
export interface Encoder<S extends z.ZodObject = z.ZodObject> {
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
  plan?(items: readonly Item[], context: EncodeContext<S>): Plan;
  /**
   * @param items of one run: at least one, at most `maxBatch`
   * @throws ApiError `invalid_input`, `invalid_shape`, ... that name the item by its place
   */
  encode(items: readonly Item[], context: EncodeContext<S>): Encoded | Promise<Encoded>;
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
