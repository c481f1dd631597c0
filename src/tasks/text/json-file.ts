import { ApiError } from "../../domain/errors.ts";

/**
 * The JSON of a file of the version.
 * @param what its name in messages: `tokenizer`
 * @throws ApiError `task_not_supported` when it is not JSON
 */
export function parseJsonFile(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw new ApiError("task_not_supported", `The model's ${what} is not a JSON file.`, { cause });
  }
}
