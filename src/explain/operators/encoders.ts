import type { GraphNode } from "../../onnx/graph/onnx-graph.ts";
import { ELEMENT } from "../../onnx/graph/tensor-elements.ts";
import { multiply, subtract } from "../graph/arithmetic.ts";
import { type Cell, type Element, UnexplainableError } from "../graph/element.ts";
import { functionOf } from "../graph/functions-of-columns.ts";
import { fromTensor } from "../graph/to-value.ts";
import { constantNumbers, isInteger, ROWS, toCell, Value } from "../graph/value.ts";
import { map } from "./elementwise.ts";
import {
  inputOf,
  listAttribute,
  numberAttribute,
  type Operator,
  type OperatorCall,
  tensorAttribute,
  textAttribute,
  textsAttribute,
} from "./operator.ts";
import { concatenate, take } from "./structure.ts";

/** Operators of ai.onnx.ml that make features of columns. */
export const ENCODERS: Readonly<Record<string, Operator>> = {
  Scaler: scaler,
  Imputer: imputer,
  Binarizer: binarizer,
  OneHotEncoder: oneHotEncoder,
  LabelEncoder: labelEncoder,
  CategoryMapper: categoryMapper,
  ArrayFeatureExtractor: extractor,
  FeatureVectorizer: (call) => {
    const values = call.inputs.map((_, index) => toFloats(inputOf(call, index)));
    return [concatenate(values, 1)];
  },
};

/** As the operators of ai.onnx.ml compute, whatever numbers they get. */
export function toFloats(value: Value): Value {
  if (value.elementType === ELEMENT.float) return value;
  if (value.elementType === ELEMENT.string)
    throw new UnexplainableError("the model computes with texts");
  const elements = Array.from(value.elements, (element) =>
    typeof element === "object" && !("column" in element)
      ? element
      : functionOf([element], ([cell]) => Math.fround(Number(cell)), "Cast"),
  );
  return new Value(ELEMENT.float, value.shape, elements);
}

/** The number that an attribute's list has for an element, in whose last dimension the columns are. */
function ofColumn(list: ArrayLike<number> | undefined, value: Value, otherwise: number) {
  const columns = value.rowShape.at(-1) ?? 1;
  return (index: number): number => list?.[list.length === 1 ? 0 : index % columns] ?? otherwise;
}

function scaler(call: OperatorCall): Value[] {
  const value = toFloats(inputOf(call, 0));
  const offset = ofColumn(listAttribute(call.node, "offset"), value, 0);
  const factor = ofColumn(listAttribute(call.node, "scale"), value, 1);
  return [
    map(value, (element, index) =>
      multiply(subtract(element, offset(index), Math.fround), factor(index), Math.fround),
    ),
  ];
}

function imputer(call: OperatorCall): Value[] {
  const { node } = call;
  const value = inputOf(call, 0);
  const floats = listAttribute(node, "imputed_value_floats");
  const list = floats ?? listAttribute(node, "imputed_value_int64s");
  const imputed = ofColumn(list, value, 0);
  const replaced = floats
    ? numberAttribute(node, "replaced_value_float", 0)
    : numberAttribute(node, "replaced_value_int64", 0);
  return [
    map(value, (element, index) => {
      const other = imputed(index);
      const isReplaced = Number.isNaN(replaced)
        ? (cell: number) => Number.isNaN(cell)
        : (cell: number) => cell === replaced;
      return functionOf(
        [element],
        ([cell]) => (isReplaced(Number(cell)) ? other : Number(cell)),
        "Imputer",
      );
    }),
  ];
}

function binarizer(call: OperatorCall): Value[] {
  const threshold = numberAttribute(call.node, "threshold", 0);
  return [
    map(inputOf(call, 0), (element) =>
      functionOf([element], ([cell]) => toCell(Number(cell) > threshold), "Binarizer"),
    ),
  ];
}

function oneHotEncoder(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const texts = textsAttribute(call.node, "cats_strings");
  const numbers = listAttribute(call.node, "cats_int64s");
  const categories: readonly Cell[] = texts ?? Array.from(numbers ?? []);
  // Numbers are compared as integers.
  const toCategory = (cell: Cell | undefined): Cell | undefined =>
    typeof cell === "number" ? Math.trunc(cell) : cell;
  const elements = Array.from(value.elements).flatMap((element) =>
    categories.map((category) =>
      functionOf([element], ([cell]) => toCell(toCategory(cell) === category), "OneHotEncoder"),
    ),
  );
  return [new Value(ELEMENT.float, [...value.shape, categories.length], elements)];
}

function labelEncoder(call: OperatorCall): Value[] {
  const { node } = call;
  const value = inputOf(call, 0);
  const classes = textsAttribute(node, "classes_strings");
  const isFromText = value.elementType === ELEMENT.string;
  const [keys, values, otherwise, type] = classes
    ? isFromText
      ? ([
          classes,
          [...classes.keys()],
          numberAttribute(node, "default_int64", -1),
          ELEMENT.int64,
        ] as const)
      : ([
          [...classes.keys()],
          classes,
          textAttribute(node, "default_string", "_Unused"),
          ELEMENT.string,
        ] as const)
    : readMapping(node);
  const found = new Map<Cell, Cell>(keys.map((key, index) => [key, values[index] ?? otherwise]));
  const encoded = map(value, (element) =>
    functionOf([element], ([cell]) => found.get(cell as Cell) ?? otherwise, "LabelEncoder"),
  );
  return [new Value(type, encoded.shape, encoded.elements)];
}

/** Keys, values, the value of others and its type. */
function readMapping(node: GraphNode): [readonly Cell[], readonly Cell[], Cell, number] {
  const listOf = (name: string): readonly Cell[] | undefined => {
    const tensor = tensorAttribute(node, `${name}_tensor`);
    if (tensor) return Array.from(fromTensor(tensor).elements) as Cell[];
    const numbers = listAttribute(node, `${name}_int64s`) ?? listAttribute(node, `${name}_floats`);
    return numbers ? Array.from(numbers) : textsAttribute(node, `${name}_strings`);
  };
  const keys = listOf("keys") ?? [];
  const values = listOf("values") ?? [];
  const tensor = tensorAttribute(node, "default_tensor");
  const given = tensor && (fromTensor(tensor).elements[0] as Cell | undefined);
  if (typeof values[0] === "string")
    return [
      keys,
      values,
      given ?? textAttribute(node, "default_string", "_Unused"),
      ELEMENT.string,
    ];
  const ofTensor = tensorAttribute(node, "values_tensor")?.elementType;
  const isWhole =
    ofTensor === undefined ? node.attributes.has("values_int64s") : isInteger(ofTensor);
  return isWhole
    ? [keys, values, given ?? numberAttribute(node, "default_int64", -1), ofTensor ?? ELEMENT.int64]
    : [keys, values, given ?? numberAttribute(node, "default_float", 0), ofTensor ?? ELEMENT.float];
}

function categoryMapper(call: OperatorCall): Value[] {
  const { node } = call;
  const value = inputOf(call, 0);
  const texts = textsAttribute(node, "cats_strings") ?? [];
  const numbers = Array.from(listAttribute(node, "cats_int64s") ?? []);
  const isFromText = value.elementType === ELEMENT.string;
  const keys: readonly Cell[] = isFromText ? texts : numbers;
  const values: readonly Cell[] = isFromText ? numbers : texts;
  const otherwise: Cell = isFromText
    ? numberAttribute(node, "default_int64", -1)
    : textAttribute(node, "default_string", "_Unused");
  const found = new Map<Cell, Cell>(keys.map((key, index) => [key, values[index] ?? otherwise]));
  const encoded = map(value, (element: Element) =>
    functionOf([element], ([cell]) => found.get(cell as Cell) ?? otherwise, "CategoryMapper"),
  );
  return [new Value(isFromText ? ELEMENT.int64 : ELEMENT.string, encoded.shape, encoded.elements)];
}

function extractor(call: OperatorCall): Value[] {
  const value = inputOf(call, 0);
  const positions = constantNumbers(inputOf(call, 1), "choice of columns");
  const taken = take(value, value.rank - 1, positions, [positions.length]);
  return [
    taken.rank === 1 && taken.shape[0] !== ROWS
      ? new Value(taken.elementType, [1, ...taken.shape], taken.elements)
      : taken,
  ];
}
