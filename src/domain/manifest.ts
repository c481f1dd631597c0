import { z } from "zod";
import { filePath } from "./blocks/block-fields.ts";
import { imageProblems } from "./blocks/image-blocks.ts";
import {
  blockReferences,
  type Postprocess,
  type Preprocess,
  postprocessSchema,
  preprocessSchema,
  TASKS,
  type Task,
} from "./blocks/task-blocks.ts";
import { textOutputProblems, tokenizerProblems } from "./blocks/text-blocks.ts";
import { DATATYPES } from "./datatype.ts";
import {
  MODEL_NAME,
  MODEL_VERSION,
  RESERVED_MODEL_NAME,
  RESERVED_MODEL_NAME_REASON,
} from "./model-id.ts";
import { MAX_RANK } from "./shape.ts";

/**
 * The manifest of one published version: `models/{name}/{version}/manifest.json` in R2. The schema
 * below is the only definition; `docs/manifest.schema.json` is made from it (`npm run schema`).
 */

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

/** Any JSON value. It refers to itself, so what is made of the schema must be able to name it. */
export const jsonValueSchema = z.json();

export const manifestSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z
      .string()
      .regex(MODEL_NAME)
      .refine((name) => name !== RESERVED_MODEL_NAME, RESERVED_MODEL_NAME_REASON)
      .meta({ not: { const: RESERVED_MODEL_NAME } }),
    version: z.string().regex(MODEL_VERSION),
    description: z.string().max(2000).optional(),
    task: z
      .enum(Object.keys(TASKS) as [Task, ...Task[]])
      .optional()
      .describe("What the task door does with the model; without it the model works through /v2."),
    format: z.enum(["onnx", "ort"]),
    file: filePath.describe("The model itself, one of `files`."),
    files: z.array(file).min(1).max(64),
    inputs: z.array(tensorSpec).max(MAX_VALUES),
    outputs: z.array(tensorSpec).min(1).max(MAX_VALUES),
    preprocess: preprocessSchema.optional(),
    postprocess: postprocessSchema.optional(),
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
      for (const rule of ["categories", "missing"] as const)
        for (const name of Object.keys(preprocess[rule]))
          if (!preprocess.columns.includes(name))
            problem(["preprocess", rule, name], "not one of preprocess.columns");
      const datatype = manifest.inputs.find(({ name }) => name === preprocess.input)?.datatype;
      if (datatype && !datatype.startsWith("FP"))
        for (const [name, value] of Object.entries(preprocess.missing))
          if (!Number.isInteger(value))
            problem(
              ["preprocess", "missing", name],
              `must be an integer, as the input is ${datatype}`,
            );
      if (datatype === "BYTES")
        problem(["preprocess", "input"], "a table is of numbers, not of BYTES");
    }
    if (preprocess?.type === "image") {
      const spec = manifest.inputs.find(({ name }) => name === preprocess.input);
      for (const [field, message] of spec ? imageProblems(preprocess, spec) : [])
        problem(["preprocess", field], message);
    }
    if (preprocess?.type === "tokenizer")
      for (const [path, message] of tokenizerProblems(preprocess, manifest.inputs))
        problem(["preprocess", ...path], message);
    if (postprocess?.type === "embedding" || postprocess?.type === "token-classification") {
      if (preprocess && preprocess.type !== "tokenizer")
        problem(["preprocess", "type"], `${postprocess.type} goes with tokenizer`);
      const { outputs, labels = [] } = manifest;
      for (const [field, message] of textOutputProblems(postprocess, outputs, labels))
        problem(["postprocess", field], message);
    }
    const known = {
      inputs: new Set(manifest.inputs.map(({ name }) => name)),
      outputs: new Set(manifest.outputs.map(({ name }) => name)),
      files: new Set(paths),
    };
    for (const side of ["preprocess", "postprocess"] as const) {
      const block = manifest[side];
      if (!block) continue;
      const references = blockReferences(block);
      for (const list of ["inputs", "outputs", "files"] as const)
        for (const name of references[list] ?? [])
          if (!known[list].has(name))
            problem([side], `${JSON.stringify(name)} is not one of ${list}`);
      const valid: readonly string[] | undefined = manifest.task && TASKS[manifest.task][side];
      if (valid && !valid.includes(block.type))
        problem([side, "type"], `${manifest.task} is made of ${valid.join(" or ")}`);
    }
    if ((preprocess?.type === "audio-windows") !== (postprocess?.type === "voice-activity"))
      problem(
        ["preprocess", "type"],
        "audio-windows goes with voice-activity, and with nothing else",
      );
    if (preprocess?.type === "audio-windows") {
      if (manifest.cache.enabled)
        problem(["cache", "enabled"], "a model that keeps state is not cached: false");
      const tensors = new Map(manifest.inputs.map((spec) => [spec.name, spec]));
      const width = tensors.get(preprocess.input)?.shape[1];
      const samples = preprocess.contextSamples + preprocess.windowSamples;
      if (typeof width === "number" && width !== -1 && width !== samples)
        problem(
          ["preprocess", "windowSamples"],
          `the input takes ${width} samples, not ${samples}`,
        );
      for (const name of [preprocess.input, ...preprocess.state.map(({ input }) => input)])
        if ((tensors.get(name)?.datatype ?? "FP32") !== "FP32")
          problem(["preprocess"], `the input ${JSON.stringify(name)} must be FP32`);
    }
    if (manifest.runtime.warmUp && !(manifest.example && preprocess))
      problem(["runtime", "warmUp"], "a warm-up needs an example and preprocess");
    if (/classification$/.test(postprocess?.type ?? "") && !manifest.labels)
      problem(["labels"], "a classification needs labels");
    if (postprocess?.type === "object-detection" && !manifest.labels?.length)
      problem(["labels"], "an object detection needs labels");
  });

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestFile = z.output<typeof file>;
export type { Postprocess, Preprocess, Task };

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
