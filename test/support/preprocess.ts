import { createCall } from "../../src/domain/call.ts";
import type { InputForm } from "../../src/domain/task.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import type {
  ItemMetadata,
  PreprocessContext,
  Preprocessor,
} from "../../src/tasks/preprocessor.ts";

interface PreprocessedInputs {
  readonly form: InputForm;
  readonly tensors: readonly Tensor[];
  readonly metadata: readonly ItemMetadata[];
}

/** What a batch task passes for a call without limits. */
export function createContext(
  { parameters: schema }: Preprocessor,
  parameters: object = {},
): PreprocessContext {
  const { trace, checkpoint } = createCall();
  return { parameters: schema.parse(parameters), trace, checkpoint };
}

/** The tensors of a preprocessor for inputs of one run, called as by a batch task. */
export function preprocess(
  preprocessor: Preprocessor,
  inputs: unknown,
  parameters: object = {},
): PreprocessedInputs {
  const context = createContext(preprocessor, parameters);
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
  const context = createContext(preprocessor, parameters);
  const { items, form } = preprocessor.split(inputs, context.parameters);
  const { tensors, metadata = [] } = await preprocessor.toTensors(items, context);
  return { form, tensors, metadata };
}
