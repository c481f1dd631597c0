import * as z from "zod";
import { backgroundSchema } from "../../domain/explanation/background.ts";

/** Rows of which the background of a version is made. */
export const backgroundRowsSchema = z.strictObject({
  inputs: z.unknown().describe("Inputs, as the task of the version takes them."),
  parameters: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Of the task, by which the inputs are read."),
  source: backgroundSchema.shape.source,
});
