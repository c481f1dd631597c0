import { z } from "zod";
import { DATATYPES } from "./datatype.ts";
import { MODEL_NAME, MODEL_VERSION } from "./model-id.ts";
import { MAX_RANK } from "./shape.ts";

/**
 * The manifest of one published version: `models/{name}/{version}/manifest.json` in R2. The schema
 * below is the only definition; `docs/manifest.schema.json` is made from it (`npm run schema`).
 */

const filePath = z
  .string()
  .regex(
    /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/,
    "a relative path of letters, digits, dots, underscores, hyphens and slashes, without . or .. segments",
  )
  .refine((path) => path !== "manifest.json", "manifest.json is the manifest itself");

const file = z.strictObject({
  path: filePath,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits"),
  sizeBytes: z.int().min(1),
});

/** Exporters name dynamic dimensions by whole formulas. */
const MAX_NAME_LENGTH = 4096;
/** Tabular models may take each column as an input of its own. */
const MAX_VALUES = 4096;

const dimension = z
  .union([z.int().min(-1), z.string().min(1).max(MAX_NAME_LENGTH)])
  .describe("A size, the symbolic name of a dynamic dimension, or -1 for an unnamed dynamic one.");

const tensorSpec = z.strictObject({
  name: z.string().min(1).max(MAX_NAME_LENGTH),
  datatype: z.enum(DATATYPES),
  shape: z.array(dimension).max(MAX_RANK),
  description: z.string().optional(),
});

const blockVersion = z
  .literal(1)
  .describe("Raised when the block's arithmetic changes, so that cached answers are not reused.");

const preprocess = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("tabular"),
    version: blockVersion,
    input: z.string().describe("The model's input, of shape [batch, columns]."),
    columns: z.array(z.string().min(1)).min(1).describe("Column names, in the input's order."),
  }),
  z.strictObject({
    type: z.literal("array"),
    version: blockVersion,
    input: z.string().describe("The model's input; its first dimension is the batch."),
  }),
  z.strictObject({
    type: z.literal("character-ngrams"),
    version: blockVersion,
    input: z.string().describe("The model's input, of shape [batch, vocabulary size]."),
    vocabulary: filePath.describe(
      "A file of this version: a JSON array of n-grams of 1 to 4 UTF-16 code units.",
    ),
  }),
]);

const postprocess = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("classification"),
    version: blockVersion,
    scores: z.string().describe("The model's output, of shape [batch, classes]."),
    activation: z
      .enum(["none", "softmax", "sigmoid"])
      .describe("What remains to be applied to the output to make it scores."),
    topK: z.int().min(1).optional().describe("How many labels to answer unless asked; else all."),
  }),
  z.strictObject({
    type: z.literal("regression"),
    version: blockVersion,
    output: z.string().describe("The model's output, of shape [batch] or [batch, 1]."),
  }),
  z.strictObject({
    type: z.literal("clustering"),
    version: blockVersion,
    distances: z.string().describe("The model's output, of shape [batch, clusters]."),
  }),
]);

/** Any JSON value. It refers to itself, so what is made of the schema must be able to name it. */
export const jsonValueSchema = z.json();

export const manifestSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z.string().regex(MODEL_NAME),
    version: z.string().regex(MODEL_VERSION),
    description: z.string().max(2000).optional(),
    task: z
      .enum([
        "tabular-classification",
        "tabular-regression",
        "clustering",
        "image-classification",
        "text-classification",
      ])
      .optional()
      .describe("What the task door does with the model; without it the model works through /v2."),
    format: z.enum(["onnx", "ort"]),
    file: filePath.describe("The model itself, one of `files`."),
    files: z.array(file).min(1).max(64),
    inputs: z.array(tensorSpec).max(MAX_VALUES),
    outputs: z.array(tensorSpec).min(1).max(MAX_VALUES),
    preprocess: preprocess.optional(),
    postprocess: postprocess.optional(),
    labels: z.array(z.string()).optional(),
    cache: z
      .strictObject({
        enabled: z
          .boolean()
          .describe(
            "false for a model that is random or keeps state: its answers are never cached.",
          ),
        ttlSeconds: z.int().min(60).max(31_536_000),
        scope: z
          .enum(["public", "key"])
          .default("public")
          .describe("Whether an answer serves everybody, or only the API key that asked."),
      })
      .default({ enabled: true, ttlSeconds: 86_400, scope: "public" }),
    runtime: z
      .strictObject({
        prepack: z.boolean().default(true),
        heapBytes: z
          .int()
          .min(0)
          .optional()
          .describe(
            "What the loaded model was measured to need of the wasm heap, beside the engine.",
          ),
        loadMs: z.number().min(0).optional(),
        warmUp: z
          .boolean()
          .default(false)
          .describe("Whether `example` is run when the model is loaded, before the first client."),
      })
      .default({ prepack: true, warmUp: false }),
    provenance: z
      .strictObject({ source: z.string(), license: z.string(), recipe: z.string().optional() })
      .optional(),
    metrics: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
    example: z
      .strictObject({
        inputs: jsonValueSchema,
        output: jsonValueSchema,
        tolerance: z.number().min(0),
        engine: z.string().describe("Who computed `output`: never the engine that serves it."),
      })
      .optional(),
    createdAt: z.iso.datetime(),
  })
  .superRefine((manifest, context) => {
    const problem = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    const paths = manifest.files.map((entry) => entry.path);
    if (new Set(paths).size < paths.length) problem(["files"], "two files have the same path");
    if (!paths.includes(manifest.file)) problem(["file"], "not one of files[].path");
    if (manifest.task && !(manifest.preprocess && manifest.postprocess))
      problem(["task"], "a task needs preprocess and postprocess");
    const { preprocess, postprocess } = manifest;
    if (preprocess?.type === "tabular") {
      const columns = manifest.inputs.find(({ name }) => name === preprocess.input)?.shape[1];
      if (typeof columns === "number" && columns !== -1 && columns !== preprocess.columns.length)
        problem(["preprocess", "columns"], `the input has ${columns} columns`);
    }
    if (preprocess && !manifest.inputs.some(({ name }) => name === preprocess.input))
      problem(["preprocess", "input"], "not one of inputs[].name");
    if (preprocess?.type === "character-ngrams" && !paths.includes(preprocess.vocabulary))
      problem(["preprocess", "vocabulary"], "not one of files[].path");
    if (postprocess && !manifest.outputs.some(({ name }) => name === resultOutput(postprocess)))
      problem(["postprocess"], "names an output that is not one of outputs[].name");
    if (manifest.runtime.warmUp && !(manifest.example && preprocess))
      problem(["runtime", "warmUp"], "a warm-up needs an example and preprocess");
    if (postprocess?.type === "classification" && !manifest.labels)
      problem(["labels"], "a classification needs labels");
  });

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestFile = z.output<typeof file>;
export type Preprocess = z.output<typeof preprocess>;
export type Postprocess = z.output<typeof postprocess>;

/** The output that a post-processing block reads. */
export function resultOutput(block: Postprocess): string {
  switch (block.type) {
    case "classification":
      return block.scores;
    case "regression":
      return block.output;
    case "clustering":
      return block.distances;
  }
}

/** The entry of `files` for a path that the schema has checked to be there. */
export function fileEntry(manifest: Manifest, path: string): ManifestFile {
  const entry = manifest.files.find((candidate) => candidate.path === path);
  if (!entry) throw new Error(`manifest of ${manifest.name} has no file ${path}`);
  return entry;
}

/** SHA-256 of the model file, in hexadecimal: the identity of what is loaded. */
export function modelDigest(manifest: Manifest): string {
  return fileEntry(manifest, manifest.file).sha256;
}

/**
 * Turns untrusted JSON into a manifest.
 * @throws Error that lists each wrong field by its path.
 */
export function parseManifest(value: unknown): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`invalid manifest:\n${z.prettifyError(result.error)}`);
}

/** JSON Schema (draft 2020-12) of what {@link parseManifest} accepts. */
export function manifestJsonSchema(): unknown {
  return z.toJSONSchema(manifestSchema, { io: "input" });
}
