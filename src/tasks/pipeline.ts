import { ApiError } from "../domain/errors.ts";
import { type Manifest, resultOutput } from "../domain/manifest.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { Tensor, TensorSpec } from "../domain/tensor.ts";
import { createArrayEncoder } from "./array.ts";
import { createNgramEncoder } from "./character-ngrams.ts";
import { CLASSIFICATION_PARAMETERS, createClassificationDecoder } from "./classification.ts";
import { createClusteringDecoder } from "./clustering.ts";
import { NO_PARAMETERS, parseParameters } from "./parameters.ts";
import { createRegressionDecoder } from "./regression.ts";
import { createTabularEncoder } from "./tabular.ts";

/** What people have, as tensors. */
export interface EncodedInputs {
  readonly tensors: readonly Tensor[];
  /** Whether several items came, so that the answer is a list of answers. */
  readonly batched: boolean;
}

/** @throws ApiError `invalid_input` that says what an input of this model looks like */
export type Encode = (inputs: unknown) => EncodedInputs;

/**
 * Turns the result tensor into the answer.
 * @throws ApiError `invalid_request` for parameters that the task does not have
 */
export type Decode = (
  result: Tensor,
  batched: boolean,
  parameters: Readonly<Record<string, unknown>>,
) => unknown;

/** The way from a person's input to a person's answer, made once for each version. */
export interface TaskPipeline {
  readonly encode: Encode;
  readonly decode: Decode;
  /**
   * Tells before anything is run what `decode` would refuse.
   * @throws ApiError `invalid_request`
   */
  checkParameters(parameters: Readonly<Record<string, unknown>>): void;
  /** The one output that `decode` reads. */
  readonly output: string;
}

/**
 * @param readFile reads a file of the version, already checked against the manifest
 * @throws ApiError `task_not_supported` for a model without a task
 */
export async function createTaskPipeline(
  manifest: Manifest,
  readFile: (path: string) => Promise<Uint8Array>,
): Promise<TaskPipeline> {
  const { preprocess, postprocess, labels = [] } = manifest;
  if (!preprocess || !postprocess)
    throw new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} declares no task: send tensors to /v2/models/${manifest.name}/infer.`,
    );
  const spec = manifest.inputs.find(({ name }) => name === preprocess.input) as TensorSpec;
  const encode = async (): Promise<Encode> => {
    switch (preprocess.type) {
      case "tabular":
        return createTabularEncoder(spec, preprocess.columns);
      case "array":
        return createArrayEncoder(spec);
      case "character-ngrams":
        return createNgramEncoder(spec, await readFile(preprocess.vocabulary));
    }
  };
  const decode = (): Decode => {
    switch (postprocess.type) {
      case "classification":
        return createClassificationDecoder(postprocess, labels);
      case "regression":
        return createRegressionDecoder();
      case "clustering":
        return createClusteringDecoder(labels);
    }
  };
  const schema = postprocess.type === "classification" ? CLASSIFICATION_PARAMETERS : NO_PARAMETERS;
  return {
    encode: await encode(),
    decode: decode(),
    checkParameters: (parameters) => {
      parseParameters(schema, parameters);
    },
    output: resultOutput(postprocess),
  };
}
