import type { FieldRule, Message, MessageRule } from "./message.ts";

/**
 * What is read of an ONNX file, by the field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: inputs and
 * outputs, the nodes that may have labels, and where weights are in other files.
 */

export const MODEL = { irVersion: 1, graph: 7, opsetImport: 8 } as const;
export const OPSET = { domain: 1, version: 2 } as const;
export const GRAPH = {
  node: 1,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
} as const;
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
export const ATTRIBUTE = {
  name: 1,
  tensor: 5,
  graph: 6,
  ints: 8,
  strings: 9,
  tensors: 10,
  graphs: 11,
} as const;
export const TENSOR = {
  dims: 1,
  dataType: 2,
  stringData: 6,
  int64Data: 7,
  name: 8,
  rawData: 9,
  externalData: 13,
  dataLocation: 14,
} as const;
export const ENTRY = { key: 1, value: 2 } as const;
export const VALUE_INFO = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1, sequence: 4, map: 5, opaque: 7, sparse: 8, optional: 9 } as const;
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
export const MAP_TYPE = { key: 1, value: 2 } as const;
export const SHAPE = { dimension: 1 } as const;
export const DIMENSION = { size: 1, symbol: 2 } as const;

/** The domain of classical machine learning. */
export const ML_DOMAIN = "ai.onnx.ml";

/** The beginning of names of inputs with keys and values of earlier tokens, by which exporters call them. */
export const PAST = /^past/;

/** `TensorProto.DataLocation` of weights that are in another file. */
const EXTERNAL = 1n;
/** `TensorProto.DataType` of 64-bit integers. */
const INT64 = 7n;

/** The longest list of labels that is read. */
export const MAX_LABELS = 16_384;

/** Operators whose first input has the labels, or scores in the order of the labels, of their output. */
export const PASSING_OPERATORS: ReadonlySet<string> = new Set([
  "Identity",
  "Cast",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Normalizer",
  "Softmax",
  "Sigmoid",
]);

/** Operators that compute labels, or that pass them or their scores on unchanged in order. */
export const LABEL_OPERATORS: ReadonlySet<string> = new Set([
  "ZipMap",
  "LabelEncoder",
  "TreeEnsembleClassifier",
  "LinearClassifier",
  "SVMClassifier",
  "ArrayFeatureExtractor",
  "Gather",
  "ArgMax",
  ...PASSING_OPERATORS,
]);

/** Attributes with labels. */
const LABEL_ATTRIBUTES: ReadonlySet<string> = new Set([
  "classlabels_strings",
  "classlabels_int64s",
  "classlabels_ints",
  "classes_strings",
  "keys_int64s",
  "values_strings",
  "keys_tensor",
  "values_tensor",
  "value",
  "value_strings",
]);

function isShort(message: Message): boolean {
  return message.fields.length <= MAX_LABELS;
}

const entryRule = toRule("StringStringEntryProto", {
  [ENTRY.key]: "text",
  [ENTRY.value]: "text",
});

/** Whether the weights of a tensor are in another file. */
export function isExternal(tensor: Message): boolean {
  return tensor.number(TENSOR.dataLocation) === EXTERNAL;
}

/** An initializer: its name, and all that is kept of it where it is in another file or has labels. */
const initializerRule: MessageRule = {
  name: "TensorProto",
  ruleOf(field, message) {
    switch (field) {
      case TENSOR.dims:
      case TENSOR.dataType:
      case TENSOR.dataLocation:
        return "number";
      case TENSOR.name:
        return "text";
      case TENSOR.stringData:
        return isShort(message) ? "text" : undefined;
      case TENSOR.rawData:
        return "place";
      case TENSOR.externalData:
        return entryRule;
      default:
        return undefined;
    }
  },
  isKept(tensor) {
    if (!isExternal(tensor) && !hasLabels(tensor))
      tensor.fields = tensor.fields.filter(({ field }) => field === TENSOR.name);
    return true;
  },
};

function hasLabels(tensor: Message): boolean {
  return isShort(tensor) && tensor.texts(TENSOR.stringData).length > 0;
}

/** A tensor that is an attribute: kept where it is in another file or has labels. */
const attributeTensorRule: MessageRule = {
  name: "TensorProto",
  ruleOf(field, message) {
    if (field === TENSOR.int64Data) return isShort(message) ? "number" : undefined;
    if (field === TENSOR.rawData) return "bytes";
    return initializerRule.ruleOf(field, message);
  },
  isKept: (tensor) =>
    isExternal(tensor) ||
    hasLabels(tensor) ||
    (isShort(tensor) && tensor.numbers(TENSOR.int64Data).length > 0) ||
    (tensor.number(TENSOR.dataType) === INT64 && tensor.bytes(TENSOR.rawData) !== undefined),
};

const attributeRule: MessageRule = {
  name: "AttributeProto",
  ruleOf(field, message): FieldRule | undefined {
    switch (field) {
      case ATTRIBUTE.name:
        return "text";
      case ATTRIBUTE.tensor:
      case ATTRIBUTE.tensors:
        return attributeTensorRule;
      case ATTRIBUTE.graph:
      case ATTRIBUTE.graphs:
        return subgraphRule;
      case ATTRIBUTE.ints:
        return mayHaveLabels(message) ? "number" : undefined;
      case ATTRIBUTE.strings:
        return mayHaveLabels(message) ? "text" : undefined;
      default:
        return undefined;
    }
  },
  isKept(attribute) {
    if (hasExternal(attribute)) return true;
    const name = attribute.text(ATTRIBUTE.name) ?? "";
    // Most constants are numbers.
    if (name === "value")
      return attribute.messages(ATTRIBUTE.tensor).some((tensor) => hasLabels(tensor));
    return LABEL_ATTRIBUTES.has(name) && isShort(attribute);
  },
};

/** Its name comes first, unless an unusual program wrote the file. */
function mayHaveLabels(attribute: Message): boolean {
  const first = attribute.fields[0];
  if (first?.field === ATTRIBUTE.name && typeof first.value === "string")
    return LABEL_ATTRIBUTES.has(first.value) && isShort(attribute);
  return isShort(attribute);
}

function hasExternal(message: Message): boolean {
  return message.fields.some(
    ({ value }) =>
      typeof value === "object" &&
      "rule" in value &&
      (isExternalTensor(value) || hasExternal(value)),
  );
}

function isExternalTensor(message: Message): boolean {
  return message.rule.name === "TensorProto" && isExternal(message);
}

const nodeRule: MessageRule = {
  name: "NodeProto",
  ruleOf(field) {
    switch (field) {
      case NODE.input:
      case NODE.output:
      case NODE.name:
      case NODE.opType:
      case NODE.domain:
        return "text";
      case NODE.attribute:
        return attributeRule;
      default:
        return undefined;
    }
  },
  isKept(node) {
    const operator = node.text(NODE.opType) ?? "";
    if (operator !== "ZipMap") node.fields = node.fields.filter(({ field }) => field !== NODE.name);
    return (
      LABEL_OPERATORS.has(operator) ||
      node.messages(NODE.attribute).length > 0 ||
      node.text(NODE.domain) === ML_DOMAIN ||
      node.texts(NODE.input).some((name) => PAST.test(name))
    );
  },
};

const subgraphNodeRule: MessageRule = { ...nodeRule, isKept: hasExternal };
const subgraphRule: MessageRule = {
  ...toRule("GraphProto", {
    [GRAPH.node]: subgraphNodeRule,
    [GRAPH.initializer]: { ...initializerRule, isKept: isExternal },
  }),
  isKept: hasExternal,
};

const shapeRule = toRule("TensorShapeProto", {
  [SHAPE.dimension]: toRule("Dimension", {
    [DIMENSION.size]: "number",
    [DIMENSION.symbol]: "text",
  }),
});
const tensorTypeRule = toRule("TypeProto.Tensor", {
  [TENSOR_TYPE.elementType]: "number",
  [TENSOR_TYPE.shape]: shapeRule,
});
const elementRule = toRule("TypeProto.Sequence", { 1: (): MessageRule => typeRule });
const typeRule: MessageRule = toRule("TypeProto", {
  [TYPE.tensor]: tensorTypeRule,
  [TYPE.sequence]: elementRule,
  [TYPE.map]: toRule("TypeProto.Map", {
    [MAP_TYPE.key]: "number",
    [MAP_TYPE.value]: (): MessageRule => typeRule,
  }),
  [TYPE.opaque]: toRule("TypeProto.Opaque", {}),
  [TYPE.sparse]: tensorTypeRule,
  [TYPE.optional]: elementRule,
});
const valueInfoRule = toRule("ValueInfoProto", {
  [VALUE_INFO.name]: "text",
  [VALUE_INFO.type]: typeRule,
});

const graphRule = toRule("GraphProto", {
  [GRAPH.node]: nodeRule,
  [GRAPH.initializer]: initializerRule,
  [GRAPH.input]: valueInfoRule,
  [GRAPH.output]: valueInfoRule,
  [GRAPH.valueInfo]: {
    ...valueInfoRule,
    isKept(value) {
      const type = value.message(VALUE_INFO.type);
      return type !== undefined && type.message(TYPE.tensor) === undefined;
    },
  },
});

export const modelRule = toRule("ModelProto", {
  [MODEL.irVersion]: "number",
  [MODEL.graph]: graphRule,
  [MODEL.opsetImport]: toRule("OperatorSetIdProto", {
    [OPSET.domain]: "text",
    [OPSET.version]: "number",
  }),
});

/** A function stands for a rule that is defined later. */
function toRule(
  name: string,
  fields: Readonly<Record<number, FieldRule | (() => MessageRule)>>,
): MessageRule {
  return {
    name,
    ruleOf(field) {
      const rule = fields[field];
      return typeof rule === "function" ? rule() : rule;
    },
  };
}
