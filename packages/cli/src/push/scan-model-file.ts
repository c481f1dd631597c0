import { createReadStream, statSync } from "node:fs";
import { ModelReader } from "../../../../src/registry/model-reader.ts";
import { explain, usageError } from "../cli-error.ts";

export interface ScannedModel {
  readonly format: "onnx" | "ort";
  /** Files with weights, relative to the model's own. */
  readonly externalPaths: readonly string[];
}

/**
 * Reads a model file in pieces, as the server does, so that what cannot be served is refused before it is sent.
 * @throws CliError for a file that is no model, or one that cannot be served
 */
export async function scanModelFile(file: string): Promise<ScannedModel> {
  const reader = new ModelReader(statSync(file).size);
  try {
    for await (const chunk of createReadStream(file)) reader.write(chunk);
    const adaptation = reader.finish();
    return { format: reader.format, externalPaths: adaptation?.externalPaths ?? [] };
  } catch (error) {
    throw usageError(`${file}: ${explain(error)}`);
  }
}
