import type { Manifest } from "../manifest.ts";
import type { Tensor } from "../tensor.ts";
import type { DescribedModel, Feature } from "./feature-plan.ts";
import { type FeatureVisitor, type ValuesAt, visitInputs } from "./gather-inputs.ts";
import { type RowVisitor, visitOutputs } from "./gather-outputs.ts";
import { TEXT_FEATURE } from "./observe-request.ts";
import { textsOf } from "./texts-of.ts";

/** What statistics are gathered of, as values: for a reference profile, whose features are those of requests. */

export type FeatureValues =
  | {
      readonly name: string;
      readonly kind: "numeric";
      /** NaN is missing. */
      readonly values: readonly number[];
    }
  | { readonly name: string; readonly kind: "category"; readonly values: readonly string[] }
  | { readonly name: string; readonly kind: "text"; readonly values: readonly string[] };

/** The features of the inputs of a run, of all of its rows. Names of categories stand for the numbers that the manifest makes of them. */
export function readFeatures(manifest: Manifest, tensors: readonly Tensor[]): FeatureValues[] {
  const features: FeatureValues[] = [];
  const categories = manifest.preprocess?.type === "tabular" ? manifest.preprocess.categories : {};
  const visitor: FeatureVisitor = {
    numbers({ name }: Feature, values: ArrayLike<number | bigint>, at: ValuesAt) {
      const numbers = Array.from({ length: at.count }, (_, index) =>
        Number(values[at.start + at.stride * index]),
      );
      const names = Object.hasOwn(categories, name) ? categories[name] : undefined;
      features.push(
        names
          ? { name, kind: "category", values: numbers.map((value) => names[value] ?? "") }
          : { name, kind: "numeric", values: numbers },
      );
    },
    texts({ name }: Feature, values: readonly string[], at: ValuesAt) {
      const texts = Array.from(
        { length: at.count },
        (_, index) => values[at.start + at.stride * index] ?? "",
      );
      features.push({ name, kind: "text", values: texts });
    },
  };
  const model: DescribedModel = { manifest };
  visitInputs(model, tensors, visitor);
  return features;
}

/** The lengths of the texts of a request to a task, as {@link readFeatures} has those of numbers. */
export function readTextLengths(inputs: unknown): FeatureValues {
  return {
    name: TEXT_FEATURE,
    kind: "numeric",
    values: [...textsOf(inputs)].map(({ length }) => length),
  };
}

/** What was predicted of a row, or the number of one. */
export interface PredictedRow {
  readonly label?: string;
  /** Of the label; a probability or not. */
  readonly score?: number;
  readonly value?: number;
}

/** What the outputs of a run predict, of all of its rows. */
export function readRows(manifest: Manifest, outputs: readonly Tensor[]): PredictedRow[] {
  const rows: PredictedRow[] = [];
  const visitor: RowVisitor = {
    count: 0,
    label: (label, score) => void rows.push({ label, ...(score !== undefined && { score }) }),
    number: (value) => void rows.push({ value }),
  };
  visitOutputs(manifest, outputs, visitor, true);
  return rows;
}
