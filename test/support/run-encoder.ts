import { RequestTrace } from "../../src/domain/event.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import type { Encoder, Form, ItemNote } from "../../src/tasks/encoder.ts";

interface EncodedInputs {
  readonly form: Form;
  readonly tensors: readonly Tensor[];
  readonly notes: readonly ItemNote[];
}

/** What an encoder makes of inputs that are one run, as the pipeline asks it. */
export function runEncoder(
  encoder: Encoder,
  inputs: unknown,
  parameters: object = {},
): EncodedInputs {
  const context = { parameters: encoder.parameters.parse(parameters), trace: new RequestTrace() };
  const { items, form } = encoder.split(inputs, context.parameters);
  const encoded = encoder.encode(items, context);
  if (encoded instanceof Promise) throw new Error("the encoder waits: use runEncoderAsync");
  return { form, tensors: encoded.tensors, notes: encoded.notes ?? [] };
}

/** {@link runEncoder} for an encoder that waits for a codec. */
export async function runEncoderAsync(
  encoder: Encoder,
  inputs: unknown,
  parameters: object = {},
): Promise<EncodedInputs> {
  const context = { parameters: encoder.parameters.parse(parameters), trace: new RequestTrace() };
  const { items, form } = encoder.split(inputs, context.parameters);
  const { tensors, notes = [] } = await encoder.encode(items, context);
  return { form, tensors, notes };
}
