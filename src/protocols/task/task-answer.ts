import { z } from "zod";
import type { PostprocessDefinition } from "../../domain/blocks/block-definition.ts";
import { POSTPROCESS_BLOCKS } from "../../domain/blocks/registry.ts";

/** The answers of the task API: `/openapi.json` is made from it, and tests hold answers to it. */

const blocks: readonly PostprocessDefinition[] = POSTPROCESS_BLOCKS;

export const taskAnswerSchema = z
  .union([
    ...blocks.map(({ answer }) => answer),
    ...blocks.map(({ answer, listAnswer = z.array(answer) }) => listAnswer),
  ])
  .describe("One item is answered by its answer, a list of items by a list of answers.");
