import * as z from "zod";

/** Example data, of which a reference profile is made. */
export const exampleDataSchema = z.strictObject({
  inputs: z.unknown().describe("Rows of example data, as the task of the version takes them."),
  parameters: z.record(z.string(), z.unknown()).optional().describe("Of the task."),
});
