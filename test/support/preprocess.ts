import { createCall } from "../../src/domain/call.ts";
import type { InputForm } from "../../src/domain/task.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import type {
  AnyPreprocessor,
  ItemMetadata,
  PreprocessContext,
} from "../../src/tasks/preprocessor.ts";

interface PreprocessedInputs {
  readonly form: InputForm;
  readonly tensors: readonly Tensor[];
  readonly metadata: readonly ItemMetadata[];
}

/** What a batch task passes for a call without limits. */
export function createContext(
  { parameters: schema }: AnyPreprocessor,
  parameters: object = {},
): PreprocessContext {
  const { trace, checkpoint } = createCall();
  return { parameters: schema.parse(parameters), trace, checkpoint };
}

/** The tensors of a preprocessor for inputs of one run, called as by a batch task. */
export function preprocess(
  preprocessor: AnyPreprocessor,
  inputs: unknown,
  parameters: object = {},
): PreprocessedInputs {
  const context = createContext(preprocessor, parameters);
  const split = preprocessor.split(inputs, context.parameters, context.checkpoint);
  if (split instanceof Promise) throw new Error("the preprocessor waits: use preprocessAsync");
  const { items, form } = split;
  const preprocessed = preprocessor.toTensors(items, context);
  if (preprocessed instanceof Promise)
    throw new Error("the preprocessor waits: use preprocessAsync");
  return { form, tensors: preprocessed.tensors, metadata: preprocessed.metadata ?? [] };
}

/** {@link preprocess} for a preprocessor that waits for a codec. */
export async function preprocessAsync(
  preprocessor: AnyPreprocessor,
  inputs: unknown,
  parameters: object = {},
): Promise<PreprocessedInputs> {
  const context = createContext(preprocessor, parameters);
  const { items, form } = await preprocessor.split(inputs, context.parameters, context.checkpoint);
  const { tensors, metadata = [] } = await preprocessor.toTensors(items, context);
  return { form, tensors, metadata };
}
