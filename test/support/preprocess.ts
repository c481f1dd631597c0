import type { InputForm } from "../../src/domain/task.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import { Trace } from "../../src/domain/trace.ts";
import type { ItemMetadata, Preprocessor } from "../../src/tasks/preprocessor.ts";

interface PreprocessedInputs {
  readonly form: InputForm;
  readonly tensors: readonly Tensor[];
  readonly metadata: readonly ItemMetadata[];
}

/** The tensors of a preprocessor for inputs of one run, called as by a batch task. */
export function preprocess(
  preprocessor: Preprocessor,
  inputs: unknown,
  parameters: object = {},
): PreprocessedInputs {
  const context = { parameters: preprocessor.parameters.parse(parameters), trace: new Trace() };
  const { items, form } = preprocessor.split(inputs, context.parameters);
  const preprocessed = preprocessor.toTensors(items, context);
  if (preprocessed instanceof Promise)
    throw new Error("the preprocessor waits: use preprocessAsync");
  return { form, tensors: preprocessed.tensors, metadata: preprocessed.metadata ?? [] };
}

/** {@link preprocess} for a preprocessor that waits for a codec. */
export async function preprocessAsync(
  preprocessor: Preprocessor,
  inputs: unknown,
  parameters: object = {},
): Promise<PreprocessedInputs> {
  const context = { parameters: preprocessor.parameters.parse(parameters), trace: new Trace() };
  const { items, form } = preprocessor.split(inputs, context.parameters);
  const { tensors, metadata = [] } = await preprocessor.toTensors(items, context);
  return { form, tensors, metadata };
}
