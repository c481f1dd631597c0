import { z } from "zod";
import { DATATYPES } from "../../domain/datatype.ts";

/**
 * The JSON of an inference request: Open Inference Protocol v2 with Triton's extensions for binary
 * data, classification and the schedule policy. Requests are validated against it, and `/openapi.json`
 * is made from it. Unknown parameters are accepted, as the protocol says.
 */

const size = z.int().min(0);

export const inferInputSchema = z.looseObject({
  name: z.string(),
  // What `meta` says of these is checked later, by who can tell more than a schema.
  datatype: z.string().meta({ enum: DATATYPES }),
  shape: z.array(z.number().meta({ type: "integer", minimum: 0 })),
  parameters: z
    .looseObject({
      binary_data_size: size
        .optional()
        .describe("The data follows the JSON as so many bytes, little-endian; `data` is left out."),
    })
    .optional(),
  data: z.unknown().optional().meta({
    type: "array",
    description: "The elements, flat in row-major order or nested by the shape.",
  }),
});

export const inferOutputSchema = z.looseObject({
  name: z.string(),
  parameters: z
    .looseObject({
      binary_data: z.boolean().optional().describe("Answer this output as bytes after the JSON."),
      classification: z
        .int()
        .min(1)
        .optional()
        .describe('Answer the n highest values as "value:index:label" strings instead.'),
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
        .describe("Answer every output as bytes, unless it says otherwise itself."),
      timeout: z
        .int()
        .min(0)
        .optional()
        .describe("Deadline in microseconds from the request's arrival; 0 takes the default."),
      priority: z
        .int()
        .min(0)
        .optional()
        .describe("Accepted as by a Triton model without priority levels: all requests are equal."),
      sequence_id: z
        .union([z.int(), z.string()])
        .optional()
        .describe("Refused unless 0 or empty: models keep no state between requests."),
    })
    .optional(),
  inputs: z.array(inferInputSchema),
  outputs: z
    .array(inferOutputSchema)
    .optional()
    .describe("The outputs wanted, in this order; all of them when left out or empty."),
});

export type InferRequestJson = z.output<typeof inferRequestSchema>;
export type InferInputJson = z.output<typeof inferInputSchema>;
export type InferOutputJson = z.output<typeof inferOutputSchema>;
