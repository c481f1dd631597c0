import * as z from "zod";
import { DATATYPES } from "../../domain/datatype.ts";

/**
 * Schemas of the responses under `/v2` except errors: `/openapi.json` is generated from them, and tests validate
 * responses with them.
 */

const size = z.int().min(0);
const datatype = z.enum(DATATYPES);

export const serverMetadataSchema = z.strictObject({
  name: z.literal("onnxflare"),
  version: z.string(),
  extensions: z.array(z.string()).describe("Supported extensions of Triton."),
});

export const liveSchema = z.strictObject({ live: z.boolean() });
export const readySchema = z.strictObject({
  ready: z.boolean(),
  reason: z.string().optional().describe("Why the server is not ready."),
});
export const modelListSchema = z.strictObject({ models: z.array(z.string()) });

export const tensorMetadataSchema = z.strictObject({
  name: z.string(),
  datatype,
  shape: z.array(z.int().min(-1)).describe("-1 for a dynamic dimension."),
  parameters: z
    .record(z.string(), z.union([z.string(), z.boolean()]))
    .optional()
    .describe(
      "`dimension_{axis}`: the name of a dynamic dimension. `optional`: true for an input that requests may leave out.",
    ),
});

export const modelMetadataSchema = z.strictObject({
  name: z.string(),
  versions: z.array(z.string()).describe("Every published version, oldest first."),
  platform: z.literal("onnxruntime_onnx"),
  inputs: z.array(tensorMetadataSchema),
  outputs: z.array(tensorMetadataSchema),
});

export const modelReadinessSchema = z.strictObject({
  name: z.string(),
  ready: z.boolean(),
  state: z.enum(["ready", "loading", "absent", "failed"]),
  reason: z.string().optional().describe("Why the model is not loaded."),
});

const configTensor = z.strictObject({
  name: z.string(),
  data_type: z.string().describe("`TYPE_` and the datatype; `TYPE_STRING` for `BYTES`."),
  dims: z.array(z.int().min(-1)),
  optional: z.boolean().optional().describe("true for an input that requests may leave out."),
});

export const modelConfigSchema = z
  .strictObject({
    name: z.string(),
    platform: z.literal("onnxruntime_onnx"),
    backend: z.literal("onnxruntime"),
    version_policy: z.strictObject({ latest: z.strictObject({ num_versions: z.int() }) }),
    max_batch_size: z.literal(0).describe("The batch is a dimension like any other."),
    input: z.array(configTensor),
    output: z.array(configTensor),
    instance_group: z.array(
      z.strictObject({ name: z.string(), kind: z.literal("KIND_CPU"), count: z.int() }),
    ),
    default_model_filename: z.string(),
    response_cache: z.strictObject({ enable: z.boolean() }).describe("The prediction cache."),
    parameters: z
      .strictObject({ labels: z.strictObject({ string_value: z.string() }) })
      .optional()
      .describe("The manifest's labels, as a JSON array in a string."),
  })
  .describe("Triton's ModelConfig.");

const duration = z.strictObject({ count: size, ns: size });
const compute = { compute_input: duration, compute_infer: duration, compute_output: duration };

export const modelStatisticsSchema = z.strictObject({
  scope: z
    .literal("isolate")
    .describe(
      "Counts of the isolate that handled the request, since it started; each isolate counts its own requests.",
    ),
  model_stats: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      last_inference: size.describe("Milliseconds since the epoch; 0 before the first."),
      inference_count: size,
      execution_count: size,
      inference_stats: z.strictObject({
        success: duration,
        fail: duration,
        queue: duration,
        ...compute,
        cache_hit: duration,
        cache_miss: duration,
      }),
      batch_stats: z.array(z.strictObject({ batch_size: z.literal(1), ...compute })),
    }),
  ),
});

const element = z
  .union([z.number(), z.string(), z.boolean()])
  .describe('A string for BYTES, and for "NaN", "Infinity" and "-Infinity".');

export const inferResponseSchema = z.strictObject({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional().describe("The id of the request."),
  outputs: z.array(
    z.strictObject({
      name: z.string(),
      datatype,
      shape: z.array(size),
      data: z.array(element).optional().describe("Flat, in row-major order."),
      parameters: z
        .strictObject({ binary_data_size: size })
        .optional()
        .describe("Instead of `data`: the length in bytes of the data, which follows the JSON."),
    }),
  ),
});

export const repositoryIndexSchema = z.array(
  z.strictObject({
    name: z.string(),
    version: z.string(),
    state: z.enum(["READY", "LOADING", "UNAVAILABLE"]),
    reason: z.string(),
  }),
);

export const repositoryStateSchema = z.strictObject({
  name: z.string(),
  state: z.enum(["ready", "loading", "absent"]),
});
