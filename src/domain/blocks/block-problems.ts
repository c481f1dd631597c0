import { type TaskKind, taskProblems } from "../task-kinds.ts";
import type { ManifestContext, Problem } from "./block-definition.ts";
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
  const known = {
    inputs: manifest.inputs.map(({ name }) => name),
    outputs: manifest.outputs.map(({ name }) => name),
    files: manifest.files.map(({ path }) => path),
  };
  for (const list of ["inputs", "outputs", "files"] as const)
    for (const name of references[list] ?? [])
      if (!known[list].includes(name))
        yield { path: [side], message: `${JSON.stringify(name)} is not one of ${list}` };
}

/** A run needs each input of the model once, except optional ones. The postprocess block names those of caches. */
function* inputProblems(
  preprocess: Preprocess,
  { inputs, postprocess }: ManifestWithBlocks,
): Generator<Problem> {
  const names = [preprocess, ...(postprocess ? [postprocess] : [])].flatMap(
    (block) => blockReferences(block).inputs ?? [],
  );
  for (const { name, optional } of inputs)
    if (!optional && !names.includes(name))
      yield {
        path: ["preprocess"],
        message: `must name each input of the model; it leaves out ${JSON.stringify(name)}`,
      };
  for (const [index, name] of names.entries())
    if (names.indexOf(name) !== index)
      yield { path: ["preprocess"], message: `names ${JSON.stringify(name)} twice` };
}
