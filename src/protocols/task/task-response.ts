import * as z from "zod";
import type { PostprocessDefinition } from "../../domain/blocks/block-definition.ts";
import { POSTPROCESS_BLOCKS } from "../../domain/blocks/registry.ts";

/** Schema of the task API's responses: `/openapi.json` is generated from it, and tests validate responses with it. */

const blocks: readonly PostprocessDefinition[] = POSTPROCESS_BLOCKS;

/** The objects in predictions, by name. */
export const PREDICTION_SCHEMAS: Readonly<Record<string, z.ZodType>> = Object.assign(
  {},
  ...blocks.map(({ named = {} }) => named),
);

/**
 * Predictions of objects first: clients that are made of the OpenAPI document read a response as the first schema that
 * fits, and check numbers no further than their list.
 */
const ordered = blocks.toSorted((a, b) => Number(!a.named) - Number(!b.named));

export const taskResponseSchema = z
  .union(
    ordered.flatMap(({ prediction, listPrediction = z.array(prediction) }) =>
      prediction === listPrediction ? [prediction] : [prediction, listPrediction],
    ),
  )
  .describe("The prediction for one input, or a list of predictions for a list of inputs.");
