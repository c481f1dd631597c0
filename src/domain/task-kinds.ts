import type { Problem } from "./blocks/block-definition.ts";
import type { Postprocess, Preprocess } from "./blocks/registry.ts";
import { ApiError } from "./errors.ts";
import { formatModelId, type ModelId } from "./model-id.ts";

/** The tasks that a manifest may declare, with the blocks that each of them supports. */
export const TASKS = {
  "tabular-classification": {
    preprocess: ["tabular", "columns", "array"],
    postprocess: ["classification"],
  },
  "tabular-regression": {
    preprocess: ["tabular", "columns", "array"],
    postprocess: ["regression"],
  },
  clustering: { preprocess: ["tabular", "columns", "array"], postprocess: ["clustering"] },
  "anomaly-detection": {
    preprocess: ["tabular", "columns", "array"],
    postprocess: ["anomaly"],
  },
  "image-classification": { preprocess: ["image", "array"], postprocess: ["classification"] },
  "object-detection": { preprocess: ["image"], postprocess: ["object-detection"] },
  "image-segmentation": { preprocess: ["image"], postprocess: ["image-segmentation"] },
  "image-to-text": { preprocess: ["page"], postprocess: ["text-lines"] },
  "text-classification": {
    preprocess: ["character-ngrams", "tokenizer", "text"],
    postprocess: ["classification"],
  },
  "token-classification": { preprocess: ["tokenizer"], postprocess: ["token-classification"] },
  "zero-shot-classification": {
    preprocess: ["tokenizer", "text-and-labels"],
    postprocess: ["zero-shot-classification"],
  },
  "text-ranking": { preprocess: ["tokenizer"], postprocess: ["text-ranking", "embedding"] },
  "feature-extraction": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
  "sentence-similarity": { preprocess: ["tokenizer"], postprocess: ["embedding"] },
  "text-generation": { preprocess: ["prompt"], postprocess: ["text-generation"] },
  "text2text-generation": {
    preprocess: ["source-text"],
    postprocess: ["text2text-generation"],
  },
  summarization: { preprocess: ["source-text"], postprocess: ["summarization"] },
  translation: { preprocess: ["source-text"], postprocess: ["translation"] },
  "audio-classification": {
    preprocess: ["waveform", "mel-spectrogram"],
    postprocess: ["audio-classification"],
  },
  "audio-feature-extraction": {
    preprocess: ["waveform", "mel-spectrogram"],
    postprocess: ["audio-embedding"],
  },
  "automatic-speech-recognition": {
    preprocess: ["log-mel"],
    postprocess: ["speech-recognition"],
  },
  "voice-activity-detection": { preprocess: ["audio-windows"], postprocess: ["voice-activity"] },
} as const satisfies Record<
  string,
  { preprocess: readonly Preprocess["type"][]; postprocess: readonly Postprocess["type"][] }
>;

export type TaskKind = keyof typeof TASKS;

export const TASK_KINDS = Object.keys(TASKS) as [TaskKind, ...TaskKind[]];

/** The problems of a declared task: missing blocks, and blocks that it does not support. */
export function* taskProblems(manifest: {
  readonly task?: TaskKind | undefined;
  readonly preprocess?: Preprocess | undefined;
  readonly postprocess?: Postprocess | undefined;
}): Generator<Problem> {
  const { task } = manifest;
  if (!task) return;
  if (!manifest.preprocess || !manifest.postprocess)
    yield { path: ["task"], message: "a task needs preprocess and postprocess" };
  for (const side of ["preprocess", "postprocess"] as const) {
    const type = manifest[side]?.type;
    const valid: readonly string[] = TASKS[task][side];
    if (type !== undefined && !valid.includes(type))
      yield { path: [side, "type"], message: `must be ${valid.join(" or ")} for the task ${task}` };
  }
}

/** The error for a model that declares no task. */
export function noTask(model: ModelId): ApiError {
  return new ApiError(
    "task_not_supported",
    `${formatModelId(model)} declares no task: send tensors to /v2/models/${model.name}/infer.`,
  );
}
