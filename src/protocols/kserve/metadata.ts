import * as z from "zod";
import type { Datatype } from "../../domain/datatype.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { SIGNATURE_NAME } from "./predict-schema.ts";

/**
 * A model's signature. TensorFlow Serving writes its fields in snake case; `ovmsclient` reads what OpenVINO Model Server
 * writes, which is camel case below `metadata`. Responses have both.
 */

const DTYPES: Readonly<Record<Datatype, string>> = {
  BOOL: "DT_BOOL",
  UINT8: "DT_UINT8",
  UINT16: "DT_UINT16",
  UINT32: "DT_UINT32",
  UINT64: "DT_UINT64",
  INT8: "DT_INT8",
  INT16: "DT_INT16",
  INT32: "DT_INT32",
  INT64: "DT_INT64",
  FP16: "DT_HALF",
  FP32: "DT_FLOAT",
  FP64: "DT_DOUBLE",
  BYTES: "DT_STRING",
};

const METHOD_NAME = "tensorflow/serving/predict";

const shapeSchema = z.strictObject({
  dim: z.array(
    z.strictObject({
      size: z.string().describe("-1 for a dynamic dimension."),
      name: z.string().describe("The name of a dynamic dimension."),
    }),
  ),
});

const tensorSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  tensor_shape: shapeSchema,
  tensorShape: shapeSchema,
});

const tensorsSchema = z.record(z.string(), tensorSchema);

const signatureSchema = z.strictObject({
  inputs: tensorsSchema,
  outputs: tensorsSchema,
  method_name: z.string(),
  methodName: z.string(),
});

const signaturesSchema = z.record(z.string(), signatureSchema);

const modelSpecSchema = z.strictObject({
  name: z.string(),
  signature_name: z.string(),
  version: z.string(),
});

const camelCaseModelSpecSchema = z.strictObject({
  name: z.string(),
  signatureName: z.string(),
  version: z.string(),
});

const servingMetadataSchema = z
  .strictObject({
    model_spec: modelSpecSchema,
    modelSpec: camelCaseModelSpecSchema,
    metadata: z.strictObject({
      signature_def: z.strictObject({
        signature_def: signaturesSchema,
        signatureDef: signaturesSchema,
      }),
    }),
  })
  .describe("TensorFlow Serving's GetModelMetadataResponse.");

/**
 * The objects in it by name: generators of clients make names of those without one, and these are the same for
 * `model_spec` and `modelSpec`.
 */
export const SERVING_SCHEMAS = {
  ServingMetadata: servingMetadataSchema,
  ServingCamelCaseModelSpec: camelCaseModelSpecSchema,
  ServingModelSpec: modelSpecSchema,
  ServingShape: shapeSchema,
  ServingSignature: signatureSchema,
  ServingSignatures: signaturesSchema,
  ServingTensor: tensorSchema,
} as const;

export function toServingMetadata({
  name,
  version,
  inputs,
  outputs,
}: Pick<Manifest, "name" | "version" | "inputs" | "outputs">): z.output<
  typeof servingMetadataSchema
> {
  const signatures = {
    [SIGNATURE_NAME]: {
      inputs: toTensorInfos(inputs),
      outputs: toTensorInfos(outputs),
      method_name: METHOD_NAME,
      methodName: METHOD_NAME,
    },
  };
  return {
    model_spec: { name, signature_name: "", version },
    modelSpec: { name, signatureName: "", version },
    metadata: { signature_def: { signature_def: signatures, signatureDef: signatures } },
  };
}

function toTensorInfos(specs: readonly TensorSpec[]): z.output<typeof tensorsSchema> {
  return Object.fromEntries(
    specs.map(({ name, datatype, shape }) => {
      const dim = shape.map((size) =>
        typeof size === "string" ? { size: "-1", name: size } : { size: String(size), name: "" },
      );
      const info = { name, dtype: DTYPES[datatype], tensor_shape: { dim }, tensorShape: { dim } };
      return [name, info];
    }),
  );
}
