import {
  type RegressionBlock,
  regressionBlock,
} from "../../domain/blocks/postprocess/regression.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "./rows.ts";

/** One number for each item, always as a list: the shape of Hugging Face's tabular regression. */
export function createRegressionPostprocessor({ output }: RegressionBlock): Postprocessor {
  return {
    outputs: [output],
    parameters: regressionBlock.parameters,
    toPredictions: ([result]) => toRows(result, 1).flat(),
    assemble: (predictions) => predictions,
  };
}
