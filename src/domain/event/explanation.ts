import * as z from "zod";
import { EXPLANATION_SPACES } from "../explanation/explanation.ts";
import { count } from "./fields.ts";

export const explanationEventSchema = z
  .strictObject({
    method: z.string().describe("The method, such as `tree`."),
    exact: z.boolean().optional().describe("Whether nothing was sampled."),
    space: z
      .enum(EXPLANATION_SPACES)
      .optional()
      .describe("What the values add up to: `margin`, `probability` or `output`."),
    runs: count.describe(
      "Rows that the model was run for; 0 for an explanation that the cache had, and where the graph was read.",
    ),
  })
  .readonly();
