import { toMargin } from "../graph/arithmetic.ts";
import { type Element, GroupValue, MarginValue, UnexplainableError } from "../graph/element.ts";
import { Value } from "../graph/value.ts";
import { map } from "./elementwise.ts";
import {
  inputOf,
  numberAttribute,
  type Operator,
  type OperatorCall,
  textAttribute,
} from "./operator.ts";

/** Operators that make probabilities of margins. */
export const LINKS: Readonly<Record<string, Operator>> = {
  Sigmoid: (call) => [
    map(inputOf(call, 0), (element) => new MarginValue("logistic", toMargin(element, "Sigmoid"))),
  ],
  Exp: (call) => [
    map(inputOf(call, 0), (element) =>
      element instanceof GroupValue && element.kind === "log_softmax"
        ? new GroupValue("softmax", element.group, element.index)
        : new MarginValue("exp", toMargin(element, "Exp")),
    ),
  ],
  Softmax: (call) => [grouped(call, "softmax")],
  LogSoftmax: (call) => [grouped(call, "log_softmax")],
  LpNormalization: (call) => {
    const value = inputOf(call, 0);
    const axis = value.axis(numberAttribute(call.node, "axis", -1));
    if (numberAttribute(call.node, "p", 2) !== 1 || axis !== value.rank - 1)
      throw new UnexplainableError(
        "the model's operator LpNormalization divides by a norm of several columns",
      );
    return [inGroups(value, (group, index) => new GroupValue("share", group, index))];
  },
};

/** Those of ai.onnx.ml. */
export const ML_LINKS: Readonly<Record<string, Operator>> = {
  Normalizer: (call) => {
    const norm = textAttribute(call.node, "norm", "MAX");
    if (norm !== "L1")
      throw new UnexplainableError(
        `the model's operator Normalizer divides by the norm ${norm} of several columns`,
      );
    return [inGroups(inputOf(call, 0), (group, index) => new GroupValue("share", group, index))];
  },
};

/** Of scores, by the attribute `post_transform` of operators of ai.onnx.ml. */
export function postTransform(value: Value, transform: string): Value {
  switch (transform) {
    case "NONE":
      return value;
    case "LOGISTIC":
    case "PROBIT": {
      const kind = transform === "LOGISTIC" ? "logistic" : "probit";
      return map(value, (element) => new MarginValue(kind, toMargin(element, transform)));
    }
    case "SOFTMAX":
    case "SOFTMAX_ZERO": {
      const kind = transform === "SOFTMAX" ? "softmax" : "softmax_zero";
      return softmaxOf(value, kind);
    }
    default:
      throw new UnexplainableError(`the model has the post_transform ${transform}`);
  }
}

function grouped(call: OperatorCall, kind: "softmax" | "log_softmax"): Value {
  const value = inputOf(call, 0);
  const axis = value.axis(numberAttribute(call.node, "axis", call.opset >= 13 ? -1 : 1));
  if (axis !== value.rank - 1)
    throw new UnexplainableError(`the model's operator ${call.node.operator} has axis ${axis}`);
  return softmaxOf(value, kind);
}

/** Over the last dimension. */
export function softmaxOf(value: Value, kind: "softmax" | "softmax_zero" | "log_softmax"): Value {
  for (let at = 0; at < value.elements.length; at++)
    toMargin(value.elements[at] as Element, "Softmax");
  return inGroups(value, (group, index) => new GroupValue(kind, group, index));
}

function inGroups(value: Value, make: (group: Element[], index: number) => Element): Value {
  const size = value.shape.at(-1) ?? 1;
  if (size < 1) throw new UnexplainableError("the model makes probabilities of different rows");
  const elements: Element[] = [];
  for (let at = 0; at < value.elements.length; at += size) {
    const group = Array.from({ length: size }, (_, index) => value.elements[at + index] as Element);
    for (let index = 0; index < size; index++) elements.push(make(group, index));
  }
  return new Value(value.elementType, value.shape, elements);
}
