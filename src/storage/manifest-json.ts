import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import { isEncryptedText } from "./encryption/format.ts";

/** @throws ApiError `model_corrupt` for text that is not JSON: a retry would not help */
export function parseManifestJson(id: ModelId, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = isEncryptedText(text)
      ? "is encrypted, and the Worker has no ENCRYPTION_KEY"
      : "is not JSON";
    throw new ApiError("model_corrupt", `The manifest of ${formatModelId(id)} ${why}.`, {
      cause,
      details: { model: id.name, version: id.version },
    });
  }
}
