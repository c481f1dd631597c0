import type { z } from "zod";
import type { InputForm } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { ItemMetadata } from "./preprocessor.ts";

/** Turns a model's outputs into what people want. Made once for each version of a model. */
export interface Postprocessor<S extends z.ZodObject = z.ZodObject> {
  /** The outputs that it reads, in the order in which `toAnswers` gets them. */
  readonly outputs: readonly string[];
  readonly parameters: S;
  /**
   * @param metadata what the preprocessor noted of each item; empty where it metadata nothing
   * @returns an answer for each item of the run
   * @throws ApiError `inference_failed` for outputs that no answer can carry
   */
  toAnswers(
    results: readonly Tensor[],
    metadata: readonly ItemMetadata[],
    parameters: z.output<S>,
  ): readonly unknown[];
  /** Puts the answers together. Left out, one item is answered by its answer, a list by a list. */
  assemble?(answers: readonly unknown[], form: InputForm): unknown;
}
