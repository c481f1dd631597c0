import type { z } from "zod";
import type { Tensor } from "../domain/tensor.ts";
import type { Form, ItemNote } from "./encoder.ts";

/** Turns a model's outputs into what people want. Made once for each version of a model. */
export interface Decoder<S extends z.ZodObject = z.ZodObject> {
  /** The outputs that it reads, in the order in which `decode` gets them. */
  readonly outputs: readonly string[];
  readonly parameters: S;
  /**
   * @param notes what the encoder noted of each item; empty where it notes nothing
   * @returns an answer for each item of the run
   * @throws ApiError `inference_failed` for outputs that no answer can carry
   */
  decode(
    results: readonly Tensor[],
    notes: readonly ItemNote[],
    parameters: z.output<S>,
  ): readonly unknown[];
  /** Puts the answers together. Left out, one item is answered by its answer, a list by a list. */
  assemble?(answers: readonly unknown[], form: Form): unknown;
}
