import * as z from "zod";
import { DATATYPES } from "../../domain/datatype.ts";

/**
 * The JSON of an inference request: Open Inference Protocol v2 with Triton's extensions for binary
 * data, classification and the schedule policy. Requests are validated against it, and `/openapi.json`
 * is generated from it. Unknown parameters are accepted, as the protocol requires.
 */

const size = z.int().min(0);

export const inferInputSchema = z.looseObject({
  name: z.string(),
  // The constraints in `meta` are checked later, with errors that say more than a schema's.
  datatype: z.string().meta({ enum: DATATYPES }),
  shape: z.array(z.unknown().meta({ type: "integer", minimum: 0 })),
  parameters: z
    .looseObject({
      binary_data_size: size
        .optional()
        .describe(
          "Length in bytes of the data, which follows the JSON, little-endian; `data` is omitted.",
        ),
    })
    .optional(),
  data: z.unknown().optional().meta({
    type: "array",
    items: {},
    description: "The elements, flat in row-major order or nested by the shape.",
  }),
});

export const inferOutputSchema = z.looseObject({
  name: z.string(),
  parameters: z
    .looseObject({
      binary_data: z.boolean().optional().describe("Return this output as bytes after the JSON."),
      classification: z
        .int()
        .min(1)
        .optional()
        .describe('Return the n highest values as "value:index:label" strings instead.'),
    })
    .optional(),
});

export const inferRequestSchema = z.looseObject({
  id: z.string().optional().describe("Echoed in the response."),
  parameters: z
    .looseObject({
      binary_data_output: z
        .boolean()
        .optional()
        .describe("Return every output as bytes, unless the output sets `binary_data`."),
      // Integers of 64 bits, which are checked later: beyond 2^53 they are bigints.
      timeout: z
        .unknown()
        .optional()
        .meta({ type: "integer", minimum: 0 })
        .describe(
          "Deadline in microseconds from the request's arrival, at most the server's; 0 for the server's.",
        ),
      priority: z
        .unknown()
        .optional()
        .meta({ type: "integer", minimum: 0 })
        .describe("Accepted without effect, as by a Triton model without priority levels."),
      sequence_id: z
        .union([z.int(), z.string()])
        .optional()
        .describe("Must be 0 or empty: models keep no state between requests."),
    })
    .optional(),
  inputs: z.array(inferInputSchema),
  outputs: z
    .array(inferOutputSchema)
    .optional()
    .describe("The outputs to return, in this order; all of them if omitted or empty."),
});

export type InferRequestJson = z.output<typeof inferRequestSchema>;
export type InferInputJson = z.output<typeof inferInputSchema>;
export type InferOutputJson = z.output<typeof inferOutputSchema>;
