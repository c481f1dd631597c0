import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Dictionary } from "./dictionary.ts";

export interface ReadText {
  readonly text: string;
  /** The mean probability of its characters; 0 without any. */
  readonly score: number;
}

/** Numbers that are looked at between two checkpoints: about two milliseconds of work. */
const NUMBERS_PER_STEP = 1_048_576;

/**
 * The text of a line by CTC: the most likely character of each step, of those in a row that are equal the first, without blanks.
 * @param softmax whether the output are logits
 * @yields between two pieces of work
 */
export function* readCharacters(
  output: Tensor | undefined,
  { characters, blank }: Dictionary,
  softmax: boolean,
): Generator<undefined, ReadText> {
  const count = characters.length;
  const { shape = [] } = output ?? {};
  const [first = 0, second = 0, last = 0] = shape;
  // One of the two is the batch, of one line: values lie in the same order.
  if (
    output?.datatype !== "FP32" ||
    shape.length !== 3 ||
    Math.min(first, second) > 1 ||
    last !== count
  )
    throw outputMismatch(output, `FP32 of shape [1, steps, ${count}], a score for each character`);
  const scores = toTypedArray(output) as Float32Array;
  const stepsPerPiece = Math.max(1, Math.floor(NUMBERS_PER_STEP / count));
  let text = "";
  let sum = 0;
  let found = 0;
  let before = -1;
  for (let step = 0; step < scores.length / count; step++) {
    if (step > 0 && step % stepsPerPiece === 0) yield;
    const start = step * count;
    const best = largest(scores, start, count);
    const index = best - start;
    const top = scores[best] as number;
    if (!Number.isFinite(top)) throw notFinite(output.name);
    if (index !== before && index !== blank) {
      text += characters[index];
      sum += softmax ? 1 / sumOfPowers(scores, start, count, top) : top;
      found += 1;
    }
    before = index;
  }
  return { text, score: found === 0 ? 0 : sum / found };
}

function largest(scores: Float32Array, start: number, count: number): number {
  let best = start;
  let top = scores[start] as number;
  for (let at = start + 1; at < start + count; at++) {
    const score = scores[at] as number;
    if (score > top) {
      top = score;
      best = at;
    }
  }
  return best;
}

function sumOfPowers(scores: Float32Array, start: number, count: number, top: number): number {
  let sum = 0;
  for (let at = start; at < start + count; at++) sum += Math.exp((scores[at] as number) - top);
  return sum;
}
