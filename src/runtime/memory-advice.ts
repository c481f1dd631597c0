import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelSource } from "../domain/ports.ts";

/** What errors say of the memory budget: the same numbers in all of them. */

const MIB = 1_048_576;

/** What the memories of an isolate's cells may take together. */
export interface BudgetLimit {
  readonly bytes: number;
  /** The name of the setting that it comes from. */
  readonly setting: string;
}

/** `the budget of 96 MiB (MEMORY_BUDGET_BYTES)` */
export function describeBudget({ bytes, setting }: BudgetLimit): string {
  return `the budget of ${formatMebibytes(bytes)} (${setting})`;
}

/** Whole MiB, or with one digit after the point. */
export function formatMebibytes(bytes: number): string {
  return `${Math.round((bytes / MIB) * 10) / 10} MiB`;
}

/** What makes a model need less memory. Of a file in ORT format the first has been done. */
export function describeRemedies({ format }: Pick<ModelSource, "format">): string {
  return format === "ort"
    ? "Quantize the model to int8, or publish a smaller one."
    : "Convert the model to ORT format, which takes about a third of the memory (python -m onnxruntime.tools.convert_onnx_models_to_ort model.onnx), quantize it to int8, or publish a smaller one.";
}

/** The refusal of a lease whose memory cannot be reserved: ever, or now. */
export function noMemoryBeside(
  id: ModelId,
  code: "out_of_memory" | "overloaded",
  neededBytes: number,
  availableBytes: number,
  budget: BudgetLimit,
): ApiError {
  const why =
    code === "overloaded"
      ? "other leases and loads hold the rest for now"
      : `${describeBudget(budget)} has no more`;
  return new ApiError(
    code,
    `A lease of ${formatModelId(id)} needs ${neededBytes} bytes beside the model, and ${availableBytes} bytes are available: ${why}.`,
    { details: { neededBytes, availableBytes, budgetBytes: budget.bytes } },
  );
}
