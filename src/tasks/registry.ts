import { ApiError } from "../domain/errors.ts";
import type { Manifest, Postprocess, Preprocess } from "../domain/manifest.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { createVoiceActivityTask } from "./audio/voice-activity.ts";
import { createBatchTask } from "./batch-task.ts";
import type { DecodeImage } from "./image/decode-image.ts";
import { createImagePreprocessor } from "./image/image-preprocessor.ts";
import { createObjectDetectionPostprocessor } from "./image/object-detection-postprocessor.ts";
import { createArrayPreprocessor } from "./numeric/array-preprocessor.ts";
import { createClassificationPostprocessor } from "./numeric/classification-postprocessor.ts";
import { createClusteringPostprocessor } from "./numeric/clustering-postprocessor.ts";
import { createRegressionPostprocessor } from "./numeric/regression-postprocessor.ts";
import type { Postprocessor } from "./postprocessor.ts";
import type { Preprocessor } from "./preprocessor.ts";
import { createTabularPreprocessor } from "./tabular/tabular-preprocessor.ts";
import type { Task } from "./task.ts";
import { createEmbeddingPostprocessor } from "./text/embedding-postprocessor.ts";
import { createNgramPreprocessor } from "./text/ngram-preprocessor.ts";
import { createTokenClassificationPostprocessor } from "./text/token-classification-postprocessor.ts";

/** Reads a file of the version, checked against the manifest. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** What preprocessors share within an isolate. */
export interface TaskTools {
  readonly decodeImage: DecodeImage;
}

/** @throws ApiError `task_not_supported` for a model without a task */
export async function createTask(
  manifest: Manifest,
  readFile: ReadFile,
  tools: TaskTools,
): Promise<Task> {
  const { preprocess, postprocess } = manifest;
  if (!preprocess || !postprocess)
    throw new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} declares no task: send tensors to /v2/models/${manifest.name}/infer.`,
    );
  // The schema of manifests lets neither of the two go with another.
  if (preprocess.type === "audio-windows" || postprocess.type === "voice-activity")
    return createVoiceActivityTask(
      manifest,
      preprocess as Extract<Preprocess, { type: "audio-windows" }>,
      postprocess as Extract<Postprocess, { type: "voice-activity" }>,
    );
  return createBatchTask(
    await createEncoder(manifest, preprocess, postprocess, readFile, tools),
    createDecoder(manifest, postprocess),
  );
}

async function createEncoder(
  { inputs }: Manifest,
  block: Exclude<Preprocess, { type: "audio-windows" }>,
  postprocess: Postprocess,
  readFile: ReadFile,
  { decodeImage }: TaskTools,
): Promise<Preprocessor> {
  const specOf = (input: string): TensorSpec =>
    inputs.find(({ name }) => name === input) as TensorSpec;
  switch (block.type) {
    case "tabular":
      return createTabularPreprocessor(specOf(block.input), block);
    case "array":
      return createArrayPreprocessor(specOf(block.input));
    case "character-ngrams":
      return createNgramPreprocessor(specOf(block.input), await readFile(block.vocabulary));
    case "image":
      return createImagePreprocessor(specOf(block.input), block, decodeImage);
    case "tokenizer": {
      // The library is only set up where a model needs it.
      const { createTokenizerPreprocessor } = await import("./text/tokenizer-preprocessor.ts");
      return createTokenizerPreprocessor(block, specOf, await readFile(block.tokenizer), {
        comparisons: postprocess.type === "embedding",
        spans: postprocess.type === "token-classification",
      });
    }
  }
}

function createDecoder(
  { labels = [] }: Manifest,
  block: Exclude<Postprocess, { type: "voice-activity" }>,
): Postprocessor {
  switch (block.type) {
    case "classification":
      return createClassificationPostprocessor(block, labels);
    case "regression":
      return createRegressionPostprocessor(block);
    case "clustering":
      return createClusteringPostprocessor(block, labels);
    case "object-detection":
      return createObjectDetectionPostprocessor(block, labels);
    case "embedding":
      return createEmbeddingPostprocessor(block);
    case "token-classification":
      return createTokenClassificationPostprocessor(block, labels);
  }
}
