import type { MessageSchema } from "./protobuf.ts";

/**
 * The messages within messages, by the field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto,
 * and the fields with a meaning of their own.
 */
export const ONNX_MESSAGES: MessageSchema = {
  Model: { 7: "Graph", 8: "OperatorSet", 14: "Entry", 25: "Function" },
  Graph: {
    1: "Node",
    5: "Tensor",
    11: "ValueInfo",
    12: "ValueInfo",
    13: "ValueInfo",
    15: "SparseTensor",
  },
  Function: { 7: "Node", 9: "OperatorSet", 11: "Attribute" },
  Node: { 5: "Attribute" },
  Attribute: { 5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 14: "Type", 22: "SparseTensor" },
  Tensor: { 13: "Entry" },
  SparseTensor: { 1: "Tensor", 2: "Tensor" },
  ValueInfo: { 2: "Type" },
  Type: { 1: "TensorType", 4: "Sequence", 5: "Map", 8: "TensorType", 9: "Sequence" },
  TensorType: { 2: "Shape" },
  Sequence: { 1: "Type" },
  Map: { 2: "Type" },
  Shape: { 1: "Dimension" },
};

/** Field numbers of each message, for fields that are added. */
export const ONNX_FIELDS: Readonly<Record<string, readonly number[]>> = {
  Model: [1, 2, 3, 5, 7, 8, 14, 20, 25],
  Graph: [1, 2, 5, 10, 11, 12, 13, 14, 15],
  Function: [1, 4, 5, 6, 7, 9, 10, 11],
  OperatorSet: [1, 2],
  Node: [1, 2, 3, 4, 5, 7, 8, 9],
  Attribute: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 20, 21, 22],
  Tensor: [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14],
  ValueInfo: [1, 2, 3],
  Type: [1, 4, 5, 6, 8, 9],
  TensorType: [1, 2],
  Shape: [1],
  Dimension: [1, 2, 3],
};

/** Operators whose inputs determine what they allocate or read, and others with awkward attributes. */
export const OPERATORS: readonly string[] = [
  "",
  ...`
Identity Add Div Mod Pow MatMul Gemm Conv ConvTranspose Reshape Expand Tile Pad Slice Gather
GatherElements GatherND Scatter ScatterND ScatterElements Concat Split Squeeze Unsqueeze
Transpose Resize Upsample OneHot Range ConstantOfShape Cast Shape NonZero TopK Where ReduceSum
ReduceMax ArgMax CumSum Einsum LSTM GRU RNN MaxPool AveragePool LpPool BatchNormalization
LayerNormalization InstanceNormalization QuantizeLinear DequantizeLinear DynamicQuantizeLinear
QLinearConv MatMulInteger NonMaxSuppression RoiAlign GridSample SpaceToDepth DepthToSpace Unique
EyeLike Trilu RandomNormal Multinomial DFT STFT SequenceConstruct SequenceAt SplitToSequence
Optional StringNormalizer TfIdfVectorizer StringSplit RegexFullMatch StringConcat BitShift
Compress ReverseSequence MaxUnpool Softmax Normalizer Scaler LabelEncoder OneHotEncoder Imputer
ZipMap ArrayFeatureExtractor LinearClassifier SVMClassifier TreeEnsembleClassifier
TreeEnsembleRegressor Nope
`
    .trim()
    .split(/\s+/),
];
