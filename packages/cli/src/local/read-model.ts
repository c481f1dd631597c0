import type { ModelAdaptation } from "../../../../src/onnx/adapt-model.ts";
import { ModelReader } from "../../../../src/registry/model-reader.ts";

/**
 * What is read of a model file when it is published; `undefined` for a file in ORT format.
 * @throws OnnxError for a file that is not a model, or that cannot be served
 */
export function readModel(file: Uint8Array): ModelAdaptation | undefined {
  const reader = new ModelReader(file.byteLength);
  reader.write(file);
  return reader.finish();
}
