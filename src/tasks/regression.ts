import { NO_PARAMETERS, parseParameters } from "./parameters.ts";
import type { Decode } from "./pipeline.ts";
import { toRows } from "./rows.ts";

/** One number for each row, always as a list: the shape of Hugging Face's tabular regression. */
export function createRegressionDecoder(): Decode {
  return (result, _batched, parameters) => {
    parseParameters(NO_PARAMETERS, parameters);
    return toRows(result).flat();
  };
}
