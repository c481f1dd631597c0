import type { ModelSource } from "./ports.ts";

/**
 * The heap that a model takes while it is loaded, without a measurement. While an ONNX file is read, its bytes, their parsed
 * form, the weights and their repacked form lie side by side, and the memory never shrinks (measured: 4.2 times the file
 * with repacking). An ORT file is used where it lies.
 */
export function estimateHeapBytes({
  format,
  sizeBytes,
  prepack,
}: Pick<ModelSource, "format" | "sizeBytes" | "prepack">): number {
  const factor = format === "ort" ? 1.4 : prepack ? 4.2 : 3.2;
  return Math.ceil(sizeBytes * factor);
}
