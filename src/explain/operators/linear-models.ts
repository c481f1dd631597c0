import type { GraphNode } from "../../onnx/graph/onnx-graph.ts";
import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { add, multiply, subtract, toMargin } from "../graph/arithmetic.ts";
import { type Element, MarginValue, UnexplainableError } from "../graph/element.ts";
import { combine } from "../graph/linear-combination.ts";
import { ROWS, Value } from "../graph/value.ts";
import { toFloats } from "./encoders.ts";
import { postTransform } from "./links.ts";
import {
  inputOf,
  listAttribute,
  numberAttribute,
  type Operator,
  type OperatorCall,
  textAttribute,
  textsAttribute,
} from "./operator.ts";

/** Linear models of ai.onnx.ml. Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md */
export const LINEAR_MODELS: Readonly<Record<string, Operator>> = {
  LinearRegressor: (call) => {
    const scores = scoresOf(call, listAttribute(call.node, "intercepts") ?? []);
    return [postTransform(scores, textAttribute(call.node, "post_transform", "NONE"))];
  },
  LinearClassifier: (call) => {
    const scores = scoresOf(call, listAttribute(call.node, "intercepts") ?? []);
    const transform = textAttribute(call.node, "post_transform", "NONE");
    const labels = countLabels(call.node);
    const classes =
      scores.elements.length === 1 && labels === 2
        ? binaryScores(scores, transform, true)
        : postTransform(scores, transform);
    // The first output has the labels.
    return [classes, classes];
  },
  SVMRegressor: (call) => [
    postTransform(svmScores(call), textAttribute(call.node, "post_transform", "NONE")),
  ],
  SVMClassifier: svmClassifier,
};

export function countLabels(node: GraphNode): number {
  const texts = textsAttribute(node, "classlabels_strings");
  if (texts) return texts.length;
  const numbers =
    listAttribute(node, "classlabels_int64s") ?? listAttribute(node, "classlabels_ints");
  return numbers?.length ?? 0;
}

/**
 * Both classes of one score, as ONNX Runtime writes them: probabilities that add up to 1, or a score and its opposite.
 * @param isProbability whether the score is a probability unless it is transformed
 */
export function binaryScores(scores: Value, transform: string, isProbability: boolean): Value {
  const score = scores.elements[0] as Element;
  const other = (): Element =>
    isProbability ? subtract(1, score, Math.fround) : multiply(score, -1, Math.fround);
  if (transform === "NONE") return new Value(ELEMENT.float, [ROWS, 2], [other(), score]);
  if (transform !== "LOGISTIC")
    throw new UnexplainableError(`the model has the post_transform ${transform} of one score`);
  const margin = toMargin(score, transform);
  const negative = toMargin(multiply(score, -1, Math.fround), transform);
  return new Value(
    ELEMENT.float,
    [ROWS, 2],
    [new MarginValue("logistic", negative), new MarginValue("logistic", margin)],
  );
}

/** @throws UnexplainableError for coefficients that do not fit the columns */
function scoresOf(call: OperatorCall, intercepts: ArrayLike<number>): Value {
  const input = toFloats(inputOf(call, 0));
  const coefficients = listAttribute(call.node, "coefficients") ?? new Float32Array();
  return linearScores(input, coefficients, intercepts, call.node.operator);
}

function linearScores(
  input: Value,
  coefficients: ArrayLike<number>,
  intercepts: ArrayLike<number>,
  name: string,
): Value {
  const columns = input.elements.length;
  const scores = coefficients.length / columns;
  if (!Number.isInteger(scores) || scores === 0 || input.rowsAxis !== 0)
    throw new UnexplainableError(
      `the model's operator ${name} has ${coefficients.length} coefficients for ${columns} columns`,
    );
  const sums = combine(
    Array.from(input.elements),
    scores,
    (column, score) => coefficients[score * columns + column] ?? 0,
    name,
  );
  const elements = sums.map((sum, score) => add(sum, intercepts[score] ?? 0, Math.fround));
  return new Value(ELEMENT.float, [ROWS, scores], elements);
}

/** Each class has a score, and the second one that of the machine, which decides for the first. */
function svmClassifier(call: OperatorCall): Value[] {
  const { node } = call;
  if (countLabels(node) !== 2 || node.attributes.has("prob_a"))
    throw new UnexplainableError(
      "the model is a support vector machine of several classes, or with probabilities of its own",
    );
  const dual = listAttribute(node, "coefficients") ?? [];
  const arePositive = Array.from(dual).every((coefficient) => coefficient >= 0);
  if (arePositive)
    throw new UnexplainableError(
      "the model is a support vector machine with positive coefficients",
    );
  const transform = textAttribute(node, "post_transform", "NONE");
  const classes = binaryScores(svmScores(call), transform, false);
  return [classes, classes];
}

/** A support vector machine with a linear kernel has one coefficient for each column. */
function svmScores(call: OperatorCall): Value {
  const { node } = call;
  const kernel = textAttribute(node, "kernel_type", "LINEAR");
  if (kernel !== "LINEAR" || numberAttribute(node, "one_class", 0) !== 0)
    throw new UnexplainableError(
      `the model is a support vector machine with ${kernel === "LINEAR" ? "one class" : `the kernel ${kernel}`}`,
    );
  const input = toFloats(inputOf(call, 0));
  const columns = input.elements.length;
  const vectors = listAttribute(node, "support_vectors") ?? new Float32Array();
  const dual = listAttribute(node, "coefficients") ?? new Float32Array();
  const coefficients = new Float64Array(columns);
  // Without support vectors the coefficients are those of the columns.
  if (vectors.length === 0) coefficients.set(dual.subarray(0, columns));
  for (let at = 0; at < vectors.length; at++)
    (coefficients[at % columns] as number) +=
      (vectors[at] ?? 0) * (dual[Math.floor(at / columns)] ?? 0);
  return linearScores(input, coefficients, listAttribute(node, "rho") ?? [0], node.operator);
}
