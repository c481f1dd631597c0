import type { z } from "zod";
import type { RequestTrace } from "../domain/event.ts";
import type { Item, Items } from "./encoder.ts";
import type { Run } from "./task-pipeline.ts";

/**
 * A task whose items are not one run each, or one of many: of a recording come as many runs as its
 * length wants. Made once for each version of a model.
 */
export interface ItemTask<S extends z.ZodObject = z.ZodObject> {
  /** Media types that it takes beside JSON, as raw bodies and as parts of a form. */
  readonly mediaTypes: readonly string[];
  readonly parameters: S;
  /** @throws ApiError `invalid_input` that says what inputs of this model look like */
  split(inputs: unknown, parameters: z.output<S>): Items;
  /**
   * @param items at least one
   * @returns an answer for each item, in their order
   * @throws ApiError that names the item by its place, before anything is run
   */
  predict(
    items: readonly Item[],
    parameters: z.output<S>,
    run: Run,
    trace: RequestTrace,
  ): Promise<readonly unknown[]>;
}
