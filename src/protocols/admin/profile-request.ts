import * as z from "zod";
import { jsonValueSchema } from "../../domain/manifest.ts";
import { referenceProfileSchema } from "../../domain/monitoring/reference-profile.ts";

const exampleDataSchema = z.strictObject({
  inputs: jsonValueSchema.describe("Rows of example data, as the task of the version takes them."),
  parameters: z.record(z.string(), jsonValueSchema).optional().describe("Of the task."),
});

export const setProfileRequestSchema = z.union([exampleDataSchema, referenceProfileSchema]);
