import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";
import { parseWith } from "../parse.ts";

/**
 * `:predict` of TensorFlow Serving's REST API (https://www.tensorflow.org/tfx/serving/api_rest), which is also KServe's
 * v1 protocol (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol).
 */

/** Every model has this one signature. */
export const SIGNATURE_NAME = "serving_default";

const value = {
  description:
    'Numbers, texts and booleans in nested arrays. Bytes of a text are `{"b64": "..."}`, in Base64.',
};

export const predictRequestSchema = z.looseObject({
  signature_name: z
    .string()
    .nullish()
    .describe(`Must be \`${SIGNATURE_NAME}\`, the only signature of a model.`),
  instances: z
    .unknown()
    .optional()
    .meta({
      ...value,
      type: ["array", "null"],
      items: {},
      description: `The row format: for each instance its values, or an object of them by the inputs' names. ${value.description}`,
    }),
  inputs: z
    .unknown()
    .optional()
    .meta({
      description: `The columnar format: the value of the only input, or an object of values by the inputs' names. ${value.description}`,
    }),
});

export const predictResponseSchema = z
  .strictObject({
    predictions: z
      .array(z.unknown())
      .optional()
      .describe(
        "For a request with `instances`: for each instance the value of the only output, or an object of values by the outputs' names.",
      ),
    outputs: z
      .unknown()
      .optional()
      .describe(
        "For a request with `inputs`: the value of the only output, or an object of values by the outputs' names.",
      ),
  })
  .describe("Has `predictions` or `outputs`, as the request has `instances` or `inputs`.");

export type PredictBody =
  | { readonly format: "row"; readonly instances: readonly unknown[] }
  | { readonly format: "columnar"; readonly inputs: unknown };

/** @throws ApiError `invalid_request` that names the field */
export function parsePredictBody(body: unknown): PredictBody {
  const { signature_name, instances, inputs } = parseWith(predictRequestSchema, body);
  if (signature_name && signature_name !== SIGNATURE_NAME)
    throw invalid(
      "signature_name",
      `signature_name must be "${SIGNATURE_NAME}", the only signature of a model; got ${quote(signature_name)}.`,
    );
  const hasInstances = instances !== undefined && instances !== null;
  const hasInputs = inputs !== undefined && inputs !== null;
  if (hasInstances === hasInputs)
    throw invalid(
      hasInstances ? "inputs" : "instances",
      `The body must have "instances" (the row format) or "inputs" (the columnar format)${hasInstances ? ", not both" : ""}.`,
    );
  if (hasInputs) return { format: "columnar", inputs };
  if (Array.isArray(instances) && instances.length > 0) return { format: "row", instances };
  throw invalid("instances", `instances must be a list of at least one instance.`);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field } });
}
