import { type TaskKind, taskProblems } from "../task-kinds.ts";
import type {
  ManifestContext,
  ModelContext,
  ModelReferences,
  Problem,
} from "./block-definition.ts";
import {
  blockReferences,
  type Postprocess,
  type Preprocess,
  postprocessDefinition,
  preprocessDefinition,
} from "./registry.ts";

/** What of a manifest the checks of its blocks need. */
export interface ManifestWithBlocks extends ManifestContext {
  readonly task?: TaskKind | undefined;
  readonly preprocess?: Preprocess | undefined;
  readonly postprocess?: Postprocess | undefined;
  readonly files: readonly { readonly path: string }[];
}

/** What contradicts the blocks of a manifest: the task, names that do not exist, shapes that do not fit. */
export function* blockProblems(manifest: ManifestWithBlocks): Generator<Problem> {
  yield* taskProblems(manifest);
  const { preprocess, postprocess } = manifest;
  if (preprocess) {
    yield* referenceProblems("preprocess", preprocess, manifest);
    yield* inputProblems(preprocess, manifest);
    yield* preprocessDefinition(preprocess).problems(preprocess, manifest);
  }
  if (postprocess) {
    yield* referenceProblems("postprocess", postprocess, manifest);
    yield* postprocessDefinition(postprocess).problems(postprocess, manifest);
  }
}

function* referenceProblems(
  side: "preprocess" | "postprocess",
  block: Preprocess | Postprocess,
  manifest: ManifestWithBlocks,
): Generator<Problem> {
  const references = blockReferences(block);
  const files = manifest.files.map(({ path }) => path);
  yield* unknownNames(side, "files", references.files, files);
  yield* modelReferenceProblems(side, "", references, manifest);
  const { models = {} } = manifest;
  for (const [name, wanted] of Object.entries(references.models ?? {})) {
    const model = Object.hasOwn(models, name) ? models[name] : undefined;
    if (model) yield* modelReferenceProblems(side, `models.${name}.`, wanted, model);
    else yield* unknownNames(side, "models", [name], Object.keys(models));
  }
}

/** @param prefix of the lists of a model beside the main one */
function* modelReferenceProblems(
  side: string,
  prefix: string,
  references: ModelReferences,
  model: ModelContext,
): Generator<Problem> {
  for (const list of ["inputs", "outputs"] as const) {
    const known = model[list].map(({ name }) => name);
    yield* unknownNames(side, `${prefix}${list}`, references[list], known);
  }
}

function* unknownNames(
  side: string,
  list: string,
  names: readonly string[] | undefined,
  known: readonly string[],
): Generator<Problem> {
  for (const name of names ?? [])
    if (!known.includes(name))
      yield { path: [side], message: `${JSON.stringify(name)} is not one of ${list}` };
}

/** A run needs each input of a model once, except optional ones. The postprocess block names those of caches. */
function* inputProblems(preprocess: Preprocess, manifest: ManifestWithBlocks): Generator<Problem> {
  const { postprocess, models = {} } = manifest;
  const references = [preprocess, ...(postprocess ? [postprocess] : [])].map(blockReferences);
  const named = (member?: string): string[] =>
    references.flatMap((all) => (member === undefined ? all : all.models?.[member])?.inputs ?? []);
  yield* coverageProblems(undefined, manifest, named());
  for (const [member, model] of Object.entries(models)) {
    // A block may leave a model out, and not a part of its inputs.
    const isUsed = references.some((all) => all.models && Object.hasOwn(all.models, member));
    if (isUsed) yield* coverageProblems(member, model, named(member));
    else yield { path: ["models", member], message: "no block uses it" };
  }
}

function* coverageProblems(
  member: string | undefined,
  { inputs }: ModelContext,
  names: readonly string[],
): Generator<Problem> {
  const model = member === undefined ? "the model" : `models.${member}`;
  for (const { name, optional } of inputs)
    if (!optional && !names.includes(name))
      yield {
        path: ["preprocess"],
        message: `must name each input of ${model}; it leaves out ${JSON.stringify(name)}`,
      };
  for (const [index, name] of names.entries())
    if (names.indexOf(name) !== index)
      yield {
        path: ["preprocess"],
        message: `names ${JSON.stringify(name)}${member === undefined ? "" : ` of ${model}`} twice`,
      };
}
