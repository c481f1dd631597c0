import { z } from "zod";
import type { PostprocessDefinition } from "../../domain/blocks/block-definition.ts";
import { POSTPROCESS_BLOCKS } from "../../domain/blocks/registry.ts";

/** Schema of the task API's responses: `/openapi.json` is generated from it, and tests validate responses with it. */

const blocks: readonly PostprocessDefinition[] = POSTPROCESS_BLOCKS;

export const taskResponseSchema = z
  .union([
    ...blocks.map(({ prediction }) => prediction),
    ...blocks.map(({ prediction, listPrediction = z.array(prediction) }) => listPrediction),
  ])
  .describe("The prediction for one input, or a list of predictions for a list of inputs.");
