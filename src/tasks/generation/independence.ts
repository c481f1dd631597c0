import type { Lease } from "../../domain/ports.ts";
import { Trace } from "../../domain/trace.ts";
import { type BatchModel, TextBatch } from "./text-batch.ts";

/** Tokens that every vocabulary has, and a text that is shorter. */
const TEXT = [1, 2, 3, 2, 1];
const SHORTER = [2, 1, 3];
const NEXT = 2;
const LENGTH = 8;

/**
 * Whether a model computes the same for a text, bit by bit, however its tokens are divided among runs, and beside another
 * text. It is a sample of a few runs: what a manifest says falsely is noticed, but nothing is proved.
 * @throws ApiError of a run, and when there is no memory
 */
export function isIndependent(model: BatchModel, lease: Lease): boolean {
  const batch = new TextBatch(model, lease, LENGTH);
  try {
    const begin = () => batch.begin(lease, new Trace());
    const [whole, divided, shorter, beside] = [begin(), begin(), begin(), begin()];
    const atOnce = whole.next(TEXT);
    divided.read(TEXT.slice(0, 3));
    const inParts = divided.next(TEXT.slice(3));
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
