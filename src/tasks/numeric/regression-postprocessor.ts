import type { Postprocess } from "../../domain/manifest.ts";
import { NO_PARAMETERS } from "../parameters.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "./rows.ts";

type Regression = Extract<Postprocess, { type: "regression" }>;

/** One number for each row, always as a list: the shape of Hugging Face's tabular regression. */
export function createRegressionPostprocessor({ output }: Regression): Postprocessor {
  return {
    outputs: [output],
    parameters: NO_PARAMETERS,
    toAnswers: ([result]) => toRows(result).flat(),
    assemble: (answers) => answers,
  };
}
