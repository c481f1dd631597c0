import * as z from "zod";
import { MAX_FEATURES } from "../statistics/feature-plan.ts";
import { inputStatisticsSchema } from "./input-statistics.ts";
import { outputStatisticsSchema } from "./output-statistics.ts";

/** Statistics of a request, as the isolate of a model sends them. */
export const gatheredSchema = z.strictObject({
  inputs: z.array(inputStatisticsSchema).max(MAX_FEATURES).optional(),
  outputs: outputStatisticsSchema.optional(),
  inferences: z.int().min(0).optional(),
  profile: z.string().max(64).optional(),
});
