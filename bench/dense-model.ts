import { buildOnnx, type GraphNode, type Initializer } from "../test/support/onnx-builder.ts";
import type { JsonTensor } from "./tensor-json.ts";

export interface DenseShape {
  /** Units of each hidden layer. */
  readonly width: number;
  readonly hiddenLayers: number;
}

const FEATURES = 32;
const CLASSES = 8;
/** About the number of tokens of a short sentence. */
const ROWS = 16;
/** Standard deviation of integers distributed uniformly from -127 to 127. */
const WEIGHT_DEVIATION = 73.3;

/**
 * Builds a network of dense layers with int8 weights in the form of onnxruntime's `quantize_dynamic`: each
 * layer quantizes its input to 8 bits and multiplies integers. The weights are pseudo-random and the
 * same for each call; their scale keeps the values of every layer at about the same magnitude.
 * @returns an ONNX file of about `width * width * (hiddenLayers - 1)` bytes
 */
export function buildDenseModel({ width, hiddenLayers }: DenseShape): Uint8Array<ArrayBuffer> {
  const sizes = [FEATURES, ...Array<number>(hiddenLayers).fill(width), CLASSES];
  const random = createRandom();
  const weights: Initializer[] = [];
  const nodes: GraphNode[] = [];
  for (let layer = 0; layer <= hiddenLayers; layer++) {
    const [rows = 0, columns = 0] = sizes.slice(layer);
    const last = layer === hiddenLayers;
    const name = (value: string): string => `${value}_${layer}`;
    const weight = Int8Array.from(
      { length: rows * columns },
      () => Math.floor(random() * 255) - 127,
    );
    const scale = Math.SQRT2 / (WEIGHT_DEVIATION * Math.sqrt(rows));
    weights.push(
      { name: name("weight"), datatype: "INT8", shape: [rows, columns], data: weight },
      { name: name("zero"), datatype: "INT8", shape: [], data: Int8Array.of(0) },
      { name: name("scale"), datatype: "FP32", shape: [], data: Float32Array.of(scale) },
    );
    nodes.push(
      {
        op: "DynamicQuantizeLinear",
        inputs: [layer === 0 ? "features" : `hidden_${layer - 1}`],
        outputs: [name("rounded"), name("input_scale"), name("input_zero")],
      },
      {
        op: "MatMulInteger",
        inputs: [name("rounded"), name("weight"), name("input_zero"), name("zero")],
        outputs: [name("whole")],
      },
      {
        op: "Cast",
        inputs: [name("whole")],
        outputs: [name("float")],
        attributes: { to: { i: 1 } },
      },
      {
        op: "Mul",
        inputs: [name("input_scale"), name("scale")],
        outputs: [name("product_scale")],
      },
      {
        op: "Mul",
        inputs: [name("float"), name("product_scale")],
        outputs: [last ? "scores" : name("product")],
      },
    );
    if (!last) nodes.push({ op: "Relu", inputs: [name("product")], outputs: [name("hidden")] });
  }
  return buildOnnx({
    inputs: [{ name: "features", datatype: "FP32", shape: ["batch", FEATURES] }],
    outputs: [{ name: "scores", datatype: "FP32", shape: ["batch", CLASSES] }],
    nodes,
    weights,
  });
}

/** The inputs of such a network. */
export function denseInputs(): JsonTensor[] {
  const data = Array.from({ length: ROWS * FEATURES }, (_, index) => Math.fround(Math.sin(index)));
  return [{ name: "features", datatype: "FP32", shape: [ROWS, FEATURES], data }];
}

/** A generator of numbers in [0, 1): the linear congruential generator of Numerical Recipes. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
