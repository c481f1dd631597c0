import type { BlockReferences } from "../../domain/blocks/block-definition.ts";
import { blockReferences } from "../../domain/blocks/registry.ts";
import { type Manifest, type ManifestDraft, manifestSchema } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import { invalidManifest, schemaProblems } from "./manifest-problems.ts";
import type { Publication } from "./publication.ts";
import type { TakenModel } from "./take-model.ts";

/** What a manifest is composed of: what was sent of it comes first, then what the model says, then what is proposed. */
export interface ManifestParts {
  readonly publication: Publication;
  readonly draft: ManifestDraft;
  readonly main: TakenModel;
  /** By the names of `models`. */
  readonly members: ReadonlyMap<string, TakenModel>;
  /** The task's blocks where the draft has none. */
  readonly task: ExportedTask | undefined;
  readonly labels: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly createdAt: Date;
}

/** A manifest without the entries of files beside its models, whose paths are still those under which they were sent. */
export interface ComposedManifest {
  /** As it is parsed when all files are there. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The files that its blocks name, and those that the draft lists, without its models. */
  readonly otherFiles: readonly string[];
}

/**
 * @param weights sent files that have become parts of models
 * @throws ApiError `invalid_manifest`
 */
export function composeManifest(
  parts: ManifestParts,
  weights: ReadonlySet<string>,
): ComposedManifest {
  const { publication, draft, main, members, task, labels, description, createdAt } = parts;
  const { id } = publication;
  const { models: _, files: listed = [], file: __, ...given } = draft;
  const preprocess = draft.preprocess ?? task?.preprocess;
  const postprocess = draft.postprocess ?? task?.postprocess;
  const kind = draft.task ?? task?.task;
  const { optionalInputs = [] } = main.adaptation ?? {};
  const named = [preprocess, postprocess].flatMap((block) =>
    block ? (blockReferences(block).files ?? []) : [],
  );
  const models = new Set([
    draft.file,
    ...Object.values(draft.models ?? {}).map(({ file }) => file),
  ]);
  const others = listed
    .map(({ path }) => path)
    .filter((path) => !models.has(path) && !weights.has(path));
  const withoutModels = [...new Set([...others, ...named])];
  return {
    otherFiles: withoutModels,
    fields: {
      schemaVersion: 1,
      name: id.name,
      version: id.version,
      ...(description !== undefined && { description }),
      ...(kind && { task: kind }),
      format: main.model.format,
      ...(main.original && {
        original: {
          sha256: main.original.file.sha256,
          sizeBytes: main.original.file.sizeBytes,
          changes: main.original.changes,
        },
      }),
      inputs: declaredInputs(main, optionalInputs),
      outputs: main.outputs,
      ...(labels && { labels }),
      ...(task?.cache && { cache: task.cache }),
      createdAt: createdAt.toISOString(),
      ...given,
      ...(draft.inputs && { inputs: declareOptional(draft.inputs, optionalInputs) }),
      file: main.model.path,
      ...(members.size > 0 && { models: composeMembers(parts) }),
      ...(preprocess && {
        preprocess: inFolder(publication, preprocess, blockReferences(preprocess)),
      }),
      ...(postprocess && {
        postprocess: inFolder(publication, postprocess, blockReferences(postprocess)),
      }),
    },
  };
}

type Specs = Manifest["inputs"];

function declaredInputs({ inputs }: TakenModel, optional: TakenModel["inputs"]) {
  return [...inputs, ...optional.map((spec) => ({ ...spec, optional: true }))];
}

/** Inputs that the model has a default for are optional, declared as such or not. */
function declareOptional(declared: Specs, optional: TakenModel["inputs"]) {
  const added = optional.filter(({ name }) => declared.every((spec) => spec.name !== name));
  return [
    ...declared.map((spec) =>
      optional.some(({ name }) => name === spec.name) ? { ...spec, optional: true } : spec,
    ),
    ...added.map((spec) => ({ ...spec, optional: true })),
  ];
}

function composeMembers({ draft, members }: ManifestParts): Record<string, unknown> {
  return Object.fromEntries(
    [...members].map(([name, { model, inputs, outputs }]) => {
      const given = draft.models?.[name];
      const found = { format: model.format, inputs, outputs };
      return [name, { ...found, ...given, file: model.path }];
    }),
  );
}

/** A block whose files are in the folder of the publication. */
function inFolder<B extends object>(
  publication: Publication,
  block: B,
  { files = [] }: BlockReferences,
): B {
  const fields = Object.entries(block).map(([name, value]) => [
    name,
    typeof value === "string" && files.includes(value) ? publication.place(value) : value,
  ]);
  return Object.fromEntries(fields) as B;
}

/** @throws ApiError `invalid_manifest` with each field that is wrong */
export function finishManifest(
  { publication: { id } }: Pick<ManifestParts, "publication">,
  fields: object,
): Manifest {
  const result = manifestSchema.safeParse(fields);
  if (result.success) return result.data;
  throw invalidManifest(id, schemaProblems(result.error), result.error);
}

/** @throws ApiError `invalid_manifest` for a manifest of another version */
export function checkName({ id }: Publication, { name, version }: ManifestDraft): void {
  for (const [field, actual, expected] of [
    ["name", name, id.name],
    ["version", version, id.version],
  ] as const)
    if (actual !== undefined && actual !== expected)
      throw invalidManifest(id, [
        {
          field,
          message: `is ${JSON.stringify(actual)}, but ${formatModelId(id)} is published: the path and the manifest must name the same version`,
          expected,
          actual,
        },
      ]);
}
