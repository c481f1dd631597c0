import type { Postprocess } from "../domain/manifest.ts";
import type { Decoder } from "./decoder.ts";
import { NO_PARAMETERS } from "./parameters.ts";
import { toRows } from "./rows.ts";

type Regression = Extract<Postprocess, { type: "regression" }>;

/** One number for each row, always as a list: the shape of Hugging Face's tabular regression. */
export function createRegressionDecoder({ output }: Regression): Decoder {
  return {
    outputs: [output],
    parameters: NO_PARAMETERS,
    decode: ([result]) => toRows(result).flat(),
    assemble: (answers) => answers,
  };
}
