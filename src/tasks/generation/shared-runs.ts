import { ApiError } from "../../domain/errors.ts";
import type { Lease } from "../../domain/ports.ts";
import type { Trace } from "../../domain/trace.ts";
import type { Independence } from "./independence.ts";
import { tokenBytes } from "./key-value-cache.ts";
import { type BatchedText, type BatchModel, TextBatch } from "./text-batch.ts";

/** Rows up to this size are as long as this allows: texts of similar lengths share their runs. */
const SMALL_ROW_BYTES = 2_097_152;

/**
 * The texts of a model that share their runs. Rows have powers of two as their lengths, so that none takes more than twice
 * what its text needs, or {@link SMALL_ROW_BYTES}; texts of one length share a batch.
 */
export class SharedRuns {
  readonly #model: BatchModel;
  readonly #context: number;
  readonly #independence: Independence;
  #batches: TextBatch[] = [];

  constructor(model: BatchModel, context: number, independence: Independence) {
    this.#model = model;
    this.#context = context;
    this.#independence = independence;
  }

  /**
   * Begins a text.
   * @param lease of the text, which ends with it
   * @param tokens that it has at most
   * @throws ApiError `out_of_memory` and `overloaded` when there is no memory for it
   */
  begin(lease: Lease, tokens: number, trace: Trace): BatchedText {
    this.#batches = this.#batches.filter((batch) => !batch.isLost);
    const length = this.#rowLength(tokens);
    try {
      return this.#beginIn(length, lease, trace);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Rows that are not in use, and a row that is as long as the text.
      for (const batch of this.#batches) batch.trim();
      this.#batches = this.#batches.filter((batch) => !batch.isLost);
      return this.#beginIn(tokens, lease, trace);
    }
  }

  #beginIn(length: number, lease: Lease, trace: Trace): BatchedText {
    for (const batch of this.#batches) batch.removeEnded();
    const known = this.#batches.find(
      (batch) =>
        batch.length === length &&
        !batch.isFull &&
        !batch.isLost &&
        // Otherwise each text has runs of its own.
        this.#independence.isSeen(lease),
    );
    const batch = known ?? new TextBatch(this.#model, lease, length);
    if (!known) this.#batches.push(batch);
    try {
      return batch.begin(lease, trace);
    } finally {
      if (batch.isEmpty) batch.trim();
    }
  }

  #rowLength(tokens: number): number {
    const small = SMALL_ROW_BYTES / tokenBytes(this.#model.cache);
    let length = 1;
    while (length < tokens || length * 2 <= small) length *= 2;
    return Math.min(length, this.#context);
  }
}
