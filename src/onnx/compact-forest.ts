import { concatenateBytes } from "../shared/bytes.ts";
import { type EditPlan, planEdits } from "./edit.ts";
import { type Forest, readForest } from "./forest.ts";
import type { OnnxOutline } from "./onnx-outline.ts";
import { GRAPH, ML_DOMAIN, MODEL, OPSET } from "./onnx-rules.ts";
import { encodeForest } from "./tree-ensemble.ts";
import { toTensorSpec } from "./value-types.ts";
import { encodeField, encodeNumberField } from "./wire-format.ts";
import { contentOf, encodeMatrixValue, importOwnDomain } from "./zip-map.ts";

/** The version of ai.onnx.ml that has `TreeEnsemble`. */
const ML_VERSION = 5;
/** About 100,000 nodes, which take 20 MB while they are arranged. */
const MAX_FOREST_BYTES = 4_194_304;

/** Where a forest is in a file that may be rewritten. */
export interface ForestPlace {
  /** The bytes of its node. */
  readonly start: number;
  readonly end: number;
  /** Name and number of columns of the model's only input. */
  readonly input: string;
  readonly columns: number;
}

/** A model with another form of its forest. */
export interface CompactForest {
  readonly plan: EditPlan;
  readonly forest: Forest;
}

/**
 * The `TreeEnsembleRegressor` of a model whose only input it reads.
 * @returns `undefined` for any other model, and for one with other operators of ai.onnx.ml, whose version would change
 */
export function findForest(outline: OnnxOutline): ForestPlace | undefined {
  const { nodes, inputs, initializers } = outline;
  const [node, ...others] = nodes.filter(({ domain }) => domain === ML_DOMAIN);
  const [input, ...otherInputs] = inputs.filter(({ name }) => !initializers.has(name));
  if (!node || !input || others.length > 0 || otherInputs.length > 0) return undefined;
  if (node.operator !== "TreeEnsembleRegressor" || node.inputs[0] !== input.name) return undefined;
  const { start, end } = node.message;
  const spec = toTensorSpec(input);
  const columns = spec?.shape[1];
  if (spec?.datatype !== "FP32" || spec.shape.length !== 2 || typeof columns !== "number")
    return undefined;
  if (columns < 1 || end - start > MAX_FOREST_BYTES) return undefined;
  return { start, end, input: input.name, columns };
}

/**
 * The model with a `TreeEnsemble` of version 5 of ai.onnx.ml.
 * @param node the bytes of the node that {@link findForest} has found
 * @returns `undefined` where that is not possible
 */
export function compactForest(outline: OnnxOutline, node: Uint8Array): CompactForest | undefined {
  const { file, graph, nodes, outputs } = outline;
  const message = nodes.find(({ domain }) => domain === ML_DOMAIN)?.message;
  const forest = message && readForest(node);
  const encoded = forest && encodeForest(forest);
  if (!encoded) return undefined;
  const version = concatenateBytes([
    encodeField(OPSET.domain, ML_DOMAIN),
    encodeNumberField(OPSET.version, ML_VERSION),
  ]);
  const imports = file
    .messages(MODEL.opsetImport)
    .filter((opset) => opset.text(OPSET.domain) === ML_DOMAIN);
  const plan = planEdits([
    {
      message: graph,
      start: message.tagStart,
      end: message.end,
      pieces: encoded.map((bytes) => encodeField(GRAPH.node, bytes)),
    },
    ...imports.map((opset) => ({ ...contentOf(opset), pieces: [version] })),
    ...(encoded.length > 1 ? importOwnDomain(outline) : []),
    // CatBoost declares one dimension. The engine infers two, as it returns, and refuses other ones.
    ...outputs
      .filter((output) => output.name === forest.output && toTensorSpec(output)?.shape.length !== 2)
      .map((output) => ({
        ...contentOf(output.message),
        pieces: [encodeMatrixValue(output, forest.targets)],
      })),
  ]);
  return { plan, forest };
}
