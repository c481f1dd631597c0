import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { type NumericTensor, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import type { RunOutput, TensorHandle } from "../../domain/tensor-handle.ts";
import { outputMismatch } from "../output-errors.ts";

/** The output with the logits. */
export interface LogitsOutput {
  readonly name: string;
  /** Where the model declares it. */
  readonly vocabularySize: number | undefined;
  /** Of a run whose last logits are wanted: kept where the model computes those of all tokens. */
  readonly output: RunOutput;
}

export function logitsOutputOf(
  manifest: Pick<Manifest, "outputs">,
  { inputs }: Pick<PromptBlock, "inputs">,
  { logits: name }: Pick<TextGenerationBlock, "logits">,
): LogitsOutput {
  const declared = manifest.outputs.find((output) => output.name === name)?.shape;
  const isLastOnly = declared?.[1] === 1 || inputs.numLogitsToKeep !== undefined;
  return {
    name,
    vocabularySize: fixedSize(declared?.[2]),
    output: isLastOnly ? name : { name, keep: true },
  };
}

/** The logits of the last token of a run, which alone are copied. */
export function toLastLogits(result: Tensor | TensorHandle | undefined): Float32Array {
  if (result?.datatype !== "FP32") throw outputMismatch(undefined, "logits of FP32");
  const vocabulary = result.shape.at(-1) ?? 0;
  const rows = result.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (rows < 1 || vocabulary < 1) throw new Error(`logits of shape ${result.shape}`);
  if ("data" in result) {
    const values = toTypedArray(result as NumericTensor) as Float32Array;
    return values.subarray((rows - 1) * vocabulary);
  }
  const handle = result as TensorHandle;
  try {
    const data = handle.readElements((rows - 1) * vocabulary, vocabulary);
    return new Float32Array(data.buffer, data.byteOffset, vocabulary);
  } finally {
    handle.dispose();
  }
}

/** The logits of each text of a run that read one token of each. */
export function toLogitsOfRows(
  result: Tensor | TensorHandle | undefined,
  rows: number,
): Float32Array[] {
  if (!result || !("data" in result) || result.datatype !== "FP32")
    throw outputMismatch(undefined, "logits of FP32");
  const values = toTypedArray(result as NumericTensor) as Float32Array;
  const vocabulary = values.length / rows;
  return Array.from({ length: rows }, (_, row) =>
    values.subarray(row * vocabulary, (row + 1) * vocabulary),
  );
}
