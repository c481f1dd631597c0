import type { z } from "zod";
import type { Call } from "../domain/call.ts";
import type { InputForm } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { ItemMetadata } from "./preprocessor.ts";

/** One for each item of a run. */
export type Predictions = readonly unknown[];

/**
 * Turns a model's outputs into predictions. Created once for each version of a model.
 * @typeParam P a promise where the work is long enough to need checkpoints
 */
export interface Postprocessor<
  S extends z.ZodObject = z.ZodObject,
  P extends Predictions | Promise<Predictions> = Predictions,
> {
  /** Names of the outputs that it reads, in the order in which `toPredictions` takes them. */
  readonly outputs: readonly string[];
  readonly parameters: S;
  /**
   * @param metadata the preprocessor's metadata of each item; empty where it returns none
   * @param checkpoint {@link Call.checkpoint}, to be awaited between two pieces of work
   * @returns a prediction for each item of the run
   * @throws ApiError `inference_failed` for NaN and infinity, which JSON cannot represent; `task_not_supported` for outputs
   *   of a shape that the manifest left open and that does not fit
   */
  toPredictions(
    results: readonly Tensor[],
    metadata: readonly ItemMetadata[],
    parameters: z.output<S>,
    checkpoint?: Call["checkpoint"],
  ): P;
  /** Combines the predictions; by default a single item's own, or a list of all. */
  assemble?(predictions: Predictions, form: InputForm, parameters: z.output<S>): unknown;
  /**
   * What makes the predictions of one request, where these depend on one another; {@link toPredictions} by default.
   * @throws ApiError `invalid_request` for parameters that the version does not take, before anything is run
   */
  forRequest?(
    form: InputForm,
    parameters: z.output<S>,
  ): Pick<Postprocessor<S, P>, "toPredictions"> | undefined;
}

export type AnyPostprocessor = Postprocessor<z.ZodObject, Predictions | Promise<Predictions>>;
