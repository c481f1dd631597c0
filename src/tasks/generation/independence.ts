import { ApiError } from "../../domain/errors.ts";
import type { Lease } from "../../domain/ports.ts";
import { Trace } from "../../domain/trace.ts";
import { type BatchModel, TextBatch } from "./text-batch.ts";

/** Tokens that every vocabulary has, and a text that is shorter. */
const TEXT = [1, 2, 3, 2, 1];
const FIRST_TOKENS = 3;
const SHORTER = [2, 1, 3];
const NEXT = 2;
const LENGTH = 8;

/**
 * Whether a model computes the same for a text, bit by bit, however its tokens are divided among runs, and beside another
 * text. It is seen in a sample of a few runs, when it matters for the first time: what a manifest says falsely is noticed, but
 * nothing is proved.
 */
export class Independence {
  readonly #model: BatchModel;
  #isSeen: boolean | undefined;

  constructor(model: BatchModel) {
    this.#model = model;
  }

  /** @param lease of the model, for a few short texts; where they have no memory now, it is seen at a later call */
  isSeen(lease: Lease): boolean {
    try {
      this.#isSeen ??= compareRuns(this.#model, lease);
      return this.#isSeen;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return false;
    }
  }
}

function compareRuns(model: BatchModel, lease: Lease): boolean {
  const batch = new TextBatch(model, lease, LENGTH);
  try {
    const begin = () => batch.begin(lease, new Trace());
    const [whole, divided, shorter, beside] = [begin(), begin(), begin(), begin()];
    const atOnce = whole.next(TEXT);
    divided.read(TEXT.slice(0, FIRST_TOKENS));
    const inParts = divided.next(TEXT.slice(FIRST_TOKENS));
    for (const text of [shorter, beside]) text.next(SHORTER);
    const alone = [whole, shorter].map((text) => text.next([NEXT]));
    for (const text of [divided, beside]) text.announce(NEXT);
    const together = [divided, beside].map((text) => text.next([NEXT]));
    return isSame([atOnce, ...alone], [inParts, ...together]);
  } finally {
    batch.close();
  }
}

function isSame(all: readonly Float32Array[], others: readonly Float32Array[]): boolean {
  return all.every((logits, text) =>
    logits.every((value, index) => Object.is(value, others[text]?.[index])),
  );
}
