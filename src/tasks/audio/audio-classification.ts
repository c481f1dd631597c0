import {
  type AudioClassificationBlock,
  audioClassificationBlock,
} from "../../domain/blocks/postprocess/audio-classification.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { sigmoid, softmax } from "../../shared/activations.ts";
import { outputMismatch } from "../output-errors.ts";
import type { Task } from "../task.ts";
import type { SoundBlock } from "./front-end.ts";
import { createSoundTask } from "./sound-task.ts";

/** Labels of an answer with timestamps; each is an object of its own. */
const MAX_TIMED_LABELS = 100_000;

/** Labels of sounds with scores, best first; the shape of Hugging Face's audio classification. */
export function createAudioClassificationTask(
  manifest: Manifest,
  preprocess: SoundBlock,
  block: AudioClassificationBlock,
): Task {
  const { labels = [] } = manifest;
  return createSoundTask(manifest, preprocess, {
    output: block.scores,
    pooling: "mean",
    aggregation: block.aggregation,
    parameters: audioClassificationBlock.parameters,
    forRequest({ top_k = block.topK, function_to_apply, timestamps }, windows) {
      const most = Math.min(top_k ?? labels.length, labels.length);
      const { activation } = block;
      if (function_to_apply && function_to_apply !== activation && activation === "none")
        throw notApplicable(function_to_apply);
      if (timestamps && windows * most > MAX_TIMED_LABELS) throw tooManyLabels(windows, most);
      const activate = ACTIVATIONS[function_to_apply ?? activation];
      return {
        field: "labels",
        toRow(numbers) {
          if (numbers.length === labels.length) return activate(numbers);
          throw outputMismatch(undefined, `${labels.length} scores, one for each label`);
        },
        toAnswer: (scores) =>
          Array.from(scores, (score, index) => ({ label: labels[index] ?? "", score }))
            .sort((a, b) => b.score - a.score)
            .slice(0, most),
      };
    },
  });
}

const ACTIVATIONS: Record<
  AudioClassificationBlock["activation"],
  (row: Float64Array) => Float64Array
> = {
  none: (row) => row,
  sigmoid: (row) => row.map(sigmoid),
  softmax: (row) => Float64Array.from(softmax(Array.from(row))),
};

function notApplicable(wanted: string): ApiError {
  return new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: function_to_apply cannot be ${wanted}, because the model returns scores itself, and not the numbers that they are made from. Leave it out, or send none.`,
    { details: { field: "function_to_apply", valid: ["none"] } },
  );
}

function tooManyLabels(windows: number, labels: number): ApiError {
  const most = Math.max(1, Math.floor(MAX_TIMED_LABELS / windows));
  return new ApiError(
    "invalid_request",
    `With "timestamps" the answer would have ${labels} labels for each of ${windows} windows: send "top_k" of ${most} at most.`,
    { details: { field: "top_k", maximum: most } },
  );
}
