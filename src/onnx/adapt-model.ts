import type { MODEL_CHANGES } from "../domain/manifest.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { type AttentionCache, findAttentionCaches } from "./attention-caches.ts";
import {
  type CompactForest,
  compactForest,
  type ForestPlace,
  findForest,
} from "./compact-forest.ts";
import { type EditPlan, planEdits } from "./edit.ts";
import { type ExternalTensor, findExternalTensors, mergeExternalData } from "./external-data.ts";
import { findLabels } from "./graph-labels.ts";
import type { Message } from "./message.ts";
import { toOnnxOutline } from "./onnx-outline.ts";
import { OnnxError } from "./onnx-scanner.ts";
import { overridableInitializers } from "./overridable-initializers.ts";
import { checkServable } from "./value-types.ts";
import { type FinalZipMap, findFinalZipMaps, replaceZipMaps } from "./zip-map.ts";

export type ModelChange = (typeof MODEL_CHANGES)[number];

/** What an ONNX file says beside its inputs and outputs, and what is needed to serve it. */
export class ModelAdaptation {
  /** `undefined` for a model without labels. */
  readonly labels: readonly string[] | undefined;
  readonly optionalInputs: readonly TensorSpec[];
  readonly changes: readonly ModelChange[];
  /** Keys and values that attentions may read and write where they are. */
  readonly attentionCaches: readonly AttentionCache[];
  /** Files with weights, relative to the model's own. */
  readonly externalPaths: readonly string[];
  /** A forest that may take another form; `undefined` for a model without one, and for one that is changed otherwise. */
  readonly forest: ForestPlace | undefined;
  readonly #outline: ReturnType<typeof toOnnxOutline>;
  readonly #zipMaps: readonly FinalZipMap[];
  readonly #tensors: readonly ExternalTensor[];

  /**
   * @param file what the scanner returned
   * @throws OnnxError for a file that is not a model, or one that cannot be served
   */
  constructor(file: Message) {
    const outline = toOnnxOutline(file);
    this.#outline = outline;
    this.#zipMaps = findFinalZipMaps(outline);
    this.#tensors = findExternalTensors(outline);
    const replaced = new Set(this.#zipMaps.map(({ output }) => output));
    checkServable(outline, (output) => replaced.has(output));
    this.labels = findLabels(outline, this.#zipMaps);
    this.optionalInputs = overridableInitializers(outline);
    this.attentionCaches = findAttentionCaches(outline);
    this.externalPaths = [...new Set(this.#tensors.map(({ path }) => path))];
    this.changes = [
      ...(this.#zipMaps.length > 0 ? (["zipmap"] as const) : []),
      ...(this.#tensors.length > 0 ? (["external-data"] as const) : []),
    ];
    this.forest = this.changes.length === 0 ? findForest(outline) : undefined;
  }

  /** The model with another form of {@link forest}, whose bytes are `node`; `undefined` where that is not possible. */
  compactForest(node: Uint8Array): CompactForest | undefined {
    try {
      return compactForest(this.#outline, node);
    } catch (error) {
      // The engine reads more forms than are read here.
      if (error instanceof OnnxError) return undefined;
      throw error;
    }
  }

  /**
   * How the file is changed.
   * @param files sizes in bytes of {@link externalPaths}
   * @throws OnnxError for weights beyond the end of their file
   */
  plan(files: ReadonlyMap<string, number>): EditPlan {
    return planEdits([
      ...replaceZipMaps(this.#outline, this.#zipMaps),
      ...mergeExternalData(this.#tensors, files),
    ]);
  }
}
