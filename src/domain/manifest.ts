import * as z from "zod";
import type { Problem } from "./blocks/block-definition.ts";
import { filePath } from "./blocks/block-fields.ts";
import { blockProblems } from "./blocks/block-problems.ts";
import { postprocessSchema, preprocessSchema } from "./blocks/registry.ts";
import { captureSchema } from "./capture.ts";
import { DATATYPES } from "./datatype.ts";
import {
  MODEL_NAME,
  MODEL_VERSION,
  RESERVED_MODEL_NAME,
  RESERVED_MODEL_NAME_REASON,
} from "./model-id.ts";
import { monitoringSchema } from "./monitoring/manifest-monitoring.ts";
import { PLACEMENTS } from "./placement.ts";
import { MAX_RANK } from "./shape.ts";
import { TASK_KINDS } from "./task-kinds.ts";

/**
 * The manifest of one published version: `models/{name}/{version}/manifest.json` in R2. The schema
 * below is the only definition; `docs/manifest.schema.json` is generated from it (`npm run schema`).
 */

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

const file = z.strictObject({
  path: filePath,
  sha256: digest,
  sizeBytes: z.int().min(1),
});

/** How publishing may change a model. */
export const MODEL_CHANGES = ["zipmap", "external-data", "tree-ensemble"] as const;

/** Exporters use whole formulas as names of dynamic dimensions. */
const MAX_NAME_LENGTH = 4096;
/** Tabular models may have one input for each column. */
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

const inputSpec = tensorSpec.extend({
  optional: z
    .boolean()
    .optional()
    .describe(
      "Whether requests may leave the input out: the model has a default for it, an initializer of the same name.",
    ),
});

const modelFormat = z.enum(["onnx", "ort"]);
const inputSpecs = z.array(inputSpec).max(MAX_VALUES);
const outputSpecs = z.array(tensorSpec).min(1).max(MAX_VALUES);

const heapBytes = z
  .int()
  .min(0)
  .optional()
  .describe("The measured size of the loaded model in the wasm heap in bytes, without the engine.");

/** A name such as `encoder` or `voice-activity`. */
export const MEMBER_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const MAX_MEMBERS = 8;

const memberSchema = z.strictObject({
  format: modelFormat,
  file: filePath.describe("One of `files`."),
  inputs: inputSpecs,
  outputs: outputSpecs,
  runtime: z
    .strictObject({ prepack: z.boolean().default(true), heapBytes })
    .default({ prepack: true }),
});

/** Any JSON value. It is recursive, so schemas generated from it need a name for it. */
export const jsonValueSchema = z.json();

const structureSchema = z.strictObject({
  schemaVersion: z.literal(1),
  name: z
    .string()
    .regex(MODEL_NAME)
    .refine((name) => name !== RESERVED_MODEL_NAME, RESERVED_MODEL_NAME_REASON)
    .meta({ not: { const: RESERVED_MODEL_NAME } }),
  version: z.string().regex(MODEL_VERSION),
  description: z.string().max(2000).optional(),
  task: z
    .enum(TASK_KINDS)
    .optional()
    .describe("The task that the task API runs; without it the model is served by /v2 only."),
  format: modelFormat,
  file: filePath.describe("The model itself, one of `files`."),
  models: z
    .record(z.string().regex(MEMBER_NAME), memberSchema)
    .refine((models) => Object.keys(models).length <= MAX_MEMBERS, {
      error: `at most ${MAX_MEMBERS} models beside the main one`,
    })
    .optional()
    .describe(
      "Models that the task runs beside the main one, by the names that its blocks have for them, such as the `encoder` of a decoder. /v2 serves the main one.",
    ),
  files: z.array(file).min(1).max(64),
  original: z
    .strictObject({
      sha256: digest,
      sizeBytes: z.int().min(1),
      changes: z
        .array(z.enum(MODEL_CHANGES))
        .min(1)
        .describe(
          "`zipmap`: a ZipMap at the end was replaced by the tensor that it reads; `external-data`: weights in other files became part of the model; `tree-ensemble`: a forest has the form of the operator TreeEnsemble.",
        ),
    })
    .optional()
    .describe("The model file as it was sent, where publishing changed it."),
  inputs: inputSpecs,
  outputs: outputSpecs,
  preprocess: preprocessSchema.optional(),
  postprocess: postprocessSchema.optional(),
  labels: z.array(z.string()).optional(),
  cache: z
    .strictObject({
      enabled: z
        .boolean()
        .describe(
          "false for a model that is random or keeps state: its predictions are never cached.",
        ),
      ttlSeconds: z.int().min(60).max(31_536_000),
      scope: z
        .enum(["public", "key"])
        .default("public")
        .describe(
          "Whether a cached prediction is used for all clients, or only for requests with the same API key.",
        ),
      disclose: z
        .boolean()
        .optional()
        .describe(
          "Whether responses tell clients without the scope admin how the cache was used, and so what others have asked: by default not for models of texts.",
        ),
    })
    .default({ enabled: true, ttlSeconds: 86_400, scope: "public" }),
  capture: captureSchema.optional(),
  monitoring: monitoringSchema.optional(),
  runtime: z
    .strictObject({
      prepack: z.boolean().default(true),
      heapBytes,
      loadMs: z.number().min(0).optional(),
      placement: z
        .enum(PLACEMENTS)
        .optional()
        .describe(
          "Whether the model runs in memory that it shares with others, in an isolate of its own, or where its size and task suggest; by default what the setting PLACEMENT says.",
        ),
      warmUp: z
        .boolean()
        .default(false)
        .describe("Whether `example` is run when the model is loaded, before its first request."),
    })
    .default({ prepack: true, warmUp: false }),
  provenance: z
    .strictObject({ source: z.string(), license: z.string(), recipe: z.string().optional() })
    .optional(),
  metrics: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  example: z
    .strictObject({
      inputs: jsonValueSchema,
      parameters: z
        .record(z.string(), jsonValueSchema)
        .optional()
        .describe("Of the request, where a prediction needs any."),
      output: jsonValueSchema,
      tolerance: z.number().min(0),
      engine: z
        .string()
        .describe("What computed `output`: never the engine that serves the model."),
    })
    .optional(),
  createdAt: z.iso.datetime(),
});

/** What a stored manifest must be, so that tensors can be sent to its model. */
const storedManifestSchema = structureSchema.superRefine((manifest, context) => {
  for (const { path, message } of fileProblems(manifest))
    context.addIssue({ code: "custom", path: [...path], message });
});

export const manifestSchema = storedManifestSchema.superRefine((manifest, context) => {
  for (const { path, message } of [...blockProblems(manifest), ...warmUpProblems(manifest)])
    context.addIssue({ code: "custom", path: [...path], message });
});

/** What of a manifest may be sent to be published: what it leaves out is read of the model, or proposed. */
export const manifestDraftSchema = structureSchema.partial().extend({
  models: z
    .record(z.string().regex(MEMBER_NAME), memberSchema.partial().required({ file: true }))
    .optional(),
  cache: structureSchema.shape.cache.unwrap().optional(),
  runtime: structureSchema.shape.runtime.unwrap().optional(),
});

export type ManifestDraft = z.output<typeof manifestDraftSchema>;

type Structure = z.output<typeof structureSchema>;

function* fileProblems({ file, files, models = {} }: Structure): Generator<Problem> {
  const paths = files.map(({ path }) => path);
  if (new Set(paths).size < paths.length)
    yield { path: ["files"], message: "two files have the same path" };
  if (!paths.includes(file)) yield { path: ["file"], message: "not one of files[].path" };
  const used = new Map([[file, "the model itself"]]);
  for (const [name, member] of Object.entries(models)) {
    const path = ["models", name, "file"];
    if (!paths.includes(member.file)) yield { path, message: "not one of files[].path" };
    const other = used.get(member.file);
    if (other) yield { path, message: `is the file of ${other} as well` };
    used.set(member.file, `models.${name}`);
  }
}

function* warmUpProblems({ runtime, example, preprocess, models }: Structure): Generator<Problem> {
  const path = ["runtime", "warmUp"];
  if (runtime.warmUp && !(example && preprocess))
    yield { path, message: "a warm-up needs an example and preprocess" };
  if (runtime.warmUp && models)
    yield { path, message: "a version with `models` has no warm-up: one model is loaded for it" };
}

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestFile = z.output<typeof file>;

/** The entry of `files` for a path that the schema has validated. */
export function fileEntry(manifest: Manifest, path: string): ManifestFile {
  const entry = manifest.files.find((candidate) => candidate.path === path);
  if (!entry) throw new Error(`manifest of ${manifest.name} has no file ${path}`);
  return entry;
}

/** SHA-256 of the file of the main model, in hexadecimal. */
export function modelDigest(manifest: Manifest): string {
  return fileEntry(manifest, manifest.file).sha256;
}

/**
 * Validates untrusted JSON as a manifest.
 * @throws Error that lists each invalid field by its path.
 */
export function parseManifest(value: unknown): Manifest {
  return parseWith(manifestSchema, value);
}

/**
 * Validates a manifest that was published before. Its blocks are checked when its task is used, so that a version whose
 * blocks an earlier release accepted still runs its tensors.
 * @throws Error that lists each invalid field by its path.
 */
export function parseStoredManifest(value: unknown): Manifest {
  return parseWith(storedManifestSchema, value);
}

function parseWith(schema: z.ZodType<Manifest>, value: unknown): Manifest {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`invalid manifest:\n${z.prettifyError(result.error)}`);
}

/** JSON Schema (draft 2020-12) of what {@link parseManifest} accepts. */
export function manifestJsonSchema(): unknown {
  return z.toJSONSchema(manifestSchema, { io: "input" });
}
