import { ApiError } from "../domain/errors.ts";
import { estimateHeapBytes } from "../domain/heap-estimate.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { ModelSource } from "../domain/ports.ts";
import { LruMap } from "../shared/lru-map.ts";
import { cellBytes, ENGINE_BYTES } from "./cell.ts";
import {
  type BudgetLimit,
  describeBudget,
  describeRemedies,
  formatMebibytes,
} from "./memory-advice.ts";

/** What a session needs however small its model is (measured: 50 KB for a single node). */
const SESSION_BYTES = 65_536;
/** The part of the budget from which on the size of a file decides whether the model fits. */
const UNPACKED_FROM = 4;
/** Of the file's size, with repacked weights, unless it is measured (54 MB of convolutions in FP32 as ORT: 1.98). */
const PACKED_FACTOR = 2;
/** Bounds the models whose needs are kept. */
const MAX_LEARNED = 500;

/** How much heap models need, before they are loaded. */
export class HeapEstimates {
  readonly #budget: BudgetLimit;
  /** Heap that models turned out to need beyond the estimate, by SHA-256. */
  readonly #learned = new LruMap<string, number>(MAX_LEARNED);

  constructor(budget: BudgetLimit) {
    this.#budget = budget;
  }

  /** The heap to allocate a cell for: as measured, else as estimated, or as failures have shown since. */
  heapBytes(source: ModelSource): number {
    const estimatedBytes = source.heapBytes ?? this.#estimate(source);
    return Math.max(estimatedBytes, this.#learned.get(source.sha256) ?? 0);
  }

  /** A load or run failed because the memory of the model's own cell could not grow to so many bytes. */
  learn(sha256: string, memoryBytes: number): void {
    this.#learned.set(sha256, memoryBytes - ENGINE_BYTES);
  }

  /**
   * Before anything is downloaded, by what is certain: the measured heap, or the file's own size.
   * @throws ApiError `model_too_large`
   */
  refuseTooLarge(source: ModelSource): void {
    const { id, sizeBytes, heapBytes } = source;
    const neededBytes = cellBytes(heapBytes ?? sizeBytes);
    const budgetBytes = this.#budget.bytes;
    if (neededBytes <= budgetBytes) return;
    throw new ApiError(
      "model_too_large",
      `${formatModelId(id)} needs at least ${formatMebibytes(neededBytes)} of memory, more than ${describeBudget(this.#budget)}. ${describeRemedies(source)}`,
      { details: { model: id.name, version: id.version, neededBytes, budgetBytes } },
    );
  }

  /** Whether repacked weights may be why a model does not fit: not where they are a small part of the budget. */
  mayFitUnpacked({ sizeBytes }: ModelSource): boolean {
    return sizeBytes >= this.#budget.bytes / UNPACKED_FROM;
  }

  /** Whether a model is not likely to fit with repacked weights. */
  needsUnpacked(source: ModelSource): boolean {
    const { sizeBytes, prepack, heapBytes = sizeBytes * PACKED_FACTOR } = source;
    return prepack && this.mayFitUnpacked(source) && cellBytes(heapBytes) > this.#budget.bytes;
  }

  /**
   * The model without repacked weights, which take about the size of the file: it needs less, but at least its file.
   */
  unpacked(source: ModelSource): ModelSource {
    const { heapBytes, sizeBytes } = source;
    return {
      ...source,
      prepack: false,
      heapBytes: heapBytes && Math.max(sizeBytes, heapBytes - sizeBytes),
    };
  }

  /** For a manifest without a measurement. */
  #estimate(source: ModelSource): number {
    const heapBytes = SESSION_BYTES + estimateHeapBytes(source);
    return Math.min(heapBytes, this.#budget.bytes - ENGINE_BYTES);
  }
}
