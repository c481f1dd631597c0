import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { createTableOutputs } from "../table/table-outputs.ts";
import type { ReadItem } from "./item-reader.ts";

/** What a model says of an input, as numbers that are explained. */
export interface Reading {
  readonly space: ExplanationSpace;
  readonly names: readonly string[];
  /** The index of the output that is explained when the request names none. */
  readonly predicted: number;
  /** Of the whole input: one number for each name. */
  readonly full: Float64Array;
  /**
   * Runs the model once, for an input without some of its parts.
   * @param kept of a text, its tokens by their places in the whole text
   */
  value(item: ReadItem, kept?: readonly number[]): Promise<Float64Array>;
}

/** Scores of labels, or numbers. */
export async function readScores(
  version: ExplainedVersion,
  wanted: ExplanationSpace | undefined,
  whole: ReadItem,
): Promise<Reading> {
  const outputs = createTableOutputs(version.model.manifest, wanted);
  const value = async ({ tensors }: ReadItem): Promise<Float64Array> => {
    const [result] = await version.infer(tensors, [outputs.name], 1);
    return outputs.read(result).values;
  };
  const full = await value(whole);
  return {
    space: outputs.space,
    names: outputs.names(full.length),
    predicted: outputs.predicted(full),
    full,
    value,
  };
}
