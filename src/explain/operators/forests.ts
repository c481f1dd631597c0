import type { GraphNode } from "../../onnx/graph/onnx-graph.ts";
import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { type Element, ForestScore, UnexplainableError, WeightedSum } from "../graph/element.ts";
import { ForestPart } from "../graph/forest-part.ts";
import { toColumnValue } from "../graph/functions-of-columns.ts";
import { ROWS, Value } from "../graph/value.ts";
import { toFloats } from "./encoders.ts";
import { binaryScores, countLabels } from "./linear-models.ts";
import { postTransform } from "./links.ts";
import {
  inputOf,
  numberAttribute,
  type OperatorCall,
  type SlicedOperator,
  textAttribute,
} from "./operator.ts";
import { numbersOf, readCompactForest, readNumberedForest } from "./read-forest.ts";

/** Trees of ai.onnx.ml. Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md */
export const FORESTS: Readonly<Record<string, SlicedOperator>> = {
  TreeEnsembleRegressor: regressor,
  TreeEnsembleClassifier: classifier,
  TreeEnsemble: compact,
};

const AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"];
const TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

function* regressor(call: OperatorCall): Generator<undefined, readonly Value[]> {
  const { node } = call;
  const targets = numberAttribute(node, "n_targets", 1);
  const features = featuresOf(call);
  const forest = yield* readNumberedForest(node, "target", targets, features.length);
  const aggregate = textAttribute(node, "aggregate_function", "SUM");
  const base = numbersOf(node, "base_values");
  const scores = scoresOf(new ForestPart(forest, features), targets, aggregate, base);
  return [postTransform(scores, textAttribute(node, "post_transform", "NONE"))];
}

function* compact(call: OperatorCall): Generator<undefined, readonly Value[]> {
  const { node } = call;
  const targets = numberAttribute(node, "n_targets", 1);
  const features = featuresOf(call);
  const forest = yield* readCompactForest(node, targets, features.length);
  const aggregate = AGGREGATES[numberAttribute(node, "aggregate_function", 1)] ?? "";
  const scores = scoresOf(new ForestPart(forest, features), targets, aggregate, []);
  return [postTransform(scores, TRANSFORMS[numberAttribute(node, "post_transform", 0)] ?? "")];
}

/** The second output has the scores. */
function* classifier(call: OperatorCall): Generator<undefined, readonly Value[]> {
  const { node } = call;
  const labels = countLabels(node);
  const features = featuresOf(call);
  const ids = numbersOf(node, "class_ids");
  const weights = numbersOf(node, "class_weights");
  const isBinary = labels === 2 && ids.every((id) => id === ids[0]);
  const forest = yield* readNumberedForest(node, "class", isBinary ? 1 : labels, features.length);
  const base = numbersOf(node, "base_values");
  const transform = textAttribute(node, "post_transform", "NONE");
  const part = new ForestPart(forest, features);
  if (isBinary) {
    checkBinary(node, ids[0] ?? 0, base);
    const scores = scoresOf(part, 1, "SUM", base);
    const arePositive = weights.every((weight) => weight >= 0);
    const classes = binaryScores(scores, transform, arePositive);
    return [classes, classes];
  }
  if (labels === 2 && base.length > 0)
    throw new UnexplainableError("the model's forest has base values for scores of two classes");
  const classes = postTransform(scoresOf(part, labels, "SUM", base), transform);
  return [classes, classes];
}

/** The engine gives scores to the second class when all are of the first one. */
function checkBinary(node: GraphNode, id: number, base: ArrayLike<number>): void {
  if (id !== 0 || base.length > 1)
    throw new UnexplainableError(
      `the model's operator ${node.operator} has ${base.length} base values and scores of class ${id} only`,
    );
}

function featuresOf(call: OperatorCall): ForestPart["features"] {
  const input = inputOf(call, 0);
  // Trees compare in the precision of their input.
  const value = input.elementType === ELEMENT.double ? input : toFloats(input);
  if (value.rowsAxis !== 0)
    throw new UnexplainableError("the model's forest reads something else than rows");
  return Array.from(value.elements, (element) => toColumnValue(element, call.node.operator));
}

/** @param base one number for each target, or none */
function scoresOf(
  part: ForestPart,
  targets: number,
  aggregate: string,
  base: ArrayLike<number>,
): Value {
  if (aggregate !== "SUM" && aggregate !== "AVERAGE")
    throw new UnexplainableError(
      `the model's forest takes the ${aggregate} of its trees, which is no sum`,
    );
  if (base.length !== 0 && base.length !== targets)
    throw new UnexplainableError(
      `the model's forest has ${base.length} base values for ${targets} scores`,
    );
  const weight = aggregate === "AVERAGE" ? 1 / part.forest.roots.length : 1;
  const atoms = Array.from({ length: targets }, (_, target) => new ForestScore(part, target));
  const elements = atoms.map(
    (atom, target): Element => new WeightedSum([atom], Float64Array.of(weight), base[target] ?? 0),
  );
  return new Value(ELEMENT.float, [ROWS, targets], elements);
}
