import {
  type AudioEmbeddingBlock,
  audioEmbeddingBlock,
} from "../../domain/blocks/postprocess/audio-embedding.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { MAX_VALUES } from "../preprocessor.ts";
import type { Task } from "../task.ts";
import type { SoundBlock } from "./front-end.ts";
import { createSoundTask } from "./sound-task.ts";

/** A vector for each recording, or for each of its windows. */
export function createAudioEmbeddingTask(
  manifest: Manifest,
  preprocess: SoundBlock,
  block: AudioEmbeddingBlock,
): Task {
  return createSoundTask(manifest, preprocess, {
    output: block.output,
    pooling: block.pooling,
    aggregation: block.aggregation,
    parameters: audioEmbeddingBlock.parameters,
    forRequest: ({ normalize = block.normalize, timestamps }, windows) => ({
      field: "embedding",
      toRow(numbers) {
        if (timestamps && windows * numbers.length > MAX_VALUES)
          throw new ApiError(
            "invalid_request",
            `With "timestamps" the answer would have ${numbers.length} numbers for each of ${windows} windows: ${MAX_VALUES} are the limit. Send the recording in pieces.`,
            { details: { maxValues: MAX_VALUES } },
          );
        return numbers;
      },
      toAnswer: (row) => Array.from(normalize ? unitVector(row) : row),
    }),
  });
}

/** Scaled to length 1; zeros stay zeros. */
function unitVector(row: Float64Array): Float64Array {
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? row.map((value) => value / length) : row;
}
