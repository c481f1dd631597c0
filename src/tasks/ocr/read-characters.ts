import type { TextLinesBlock } from "../../domain/blocks/postprocess/text-lines.ts";
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

/** The most likely character of a step. */
interface Choice {
  readonly index: number;
  readonly probability: number;
}

/**
 * The text of a line by CTC: the most likely character of each step, of those in a row that are equal the first, without blanks.
 * @param results the output, and the indices of a graph that chooses
 * @yields between two pieces of work
 */
export function* readCharacters(
  results: readonly (Tensor | undefined)[],
  dictionary: Dictionary,
  { indices, activation }: Pick<TextLinesBlock, "indices" | "activation">,
): Generator<undefined, ReadText> {
  const { characters, blank } = dictionary;
  const [output, chosen] = results;
  const choices =
    indices === undefined
      ? chooseCharacters(output, characters.length, activation === "softmax")
      : readChoices(output, chosen, characters.length);
  let text = "";
  let sum = 0;
  let found = 0;
  let before = -1;
  for (const choice of choices) {
    if (!choice) {
      yield;
      continue;
    }
    const { index, probability } = choice;
    if (index !== before && index !== blank) {
      text += characters[index];
      sum += probability;
      found += 1;
    }
    before = index;
  }
  return { text, score: found === 0 ? 0 : sum / found };
}

/**
 * Of scores of all characters.
 * @yields `undefined` between two pieces of work
 */
function* chooseCharacters(
  output: Tensor | undefined,
  count: number,
  softmax: boolean,
): Generator<Choice | undefined, undefined> {
  const { shape = [] } = output ?? {};
  const [first = 0, second = 0, last = 0] = shape;
  // One of the two is the batch, of one line: values lie in the same order.
  const isOne = shape.length === 3 && Math.min(first, second) <= 1;
  if (output?.datatype !== "FP32" || !isOne || last !== count)
    throw outputMismatch(output, `FP32 of shape [1, steps, ${count}], a score for each character`);
  const scores = toTypedArray(output) as Float32Array;
  const stepsPerPiece = Math.max(1, Math.floor(NUMBERS_PER_STEP / count));
  for (let step = 0; step < scores.length / count; step++) {
    if (step > 0 && step % stepsPerPiece === 0) yield undefined;
    const start = step * count;
    const best = largest(scores, start, count);
    const top = scores[best] as number;
    if (!Number.isFinite(top)) throw notFinite(output.name);
    const probability = softmax ? 1 / sumOfPowers(scores, start, count, top) : top;
    yield { index: best - start, probability };
  }
}

/** Of what the graph has chosen. */
function* readChoices(
  output: Tensor | undefined,
  chosen: Tensor | undefined,
  count: number,
): Generator<Choice, undefined> {
  if (output?.datatype !== "FP32" || output.shape.length !== 2 || output.shape[0] !== 1)
    throw outputMismatch(output, "FP32 of shape [1, steps], a probability for each step");
  const needed = `integers of shape [1, ${output.shape[1]}], the index of a character for each step`;
  if (!chosen || chosen.datatype === "BYTES" || chosen.shape.join() !== output.shape.join())
    throw outputMismatch(chosen, needed);
  const indices = toTypedArray(chosen);
  for (const [step, probability] of (toTypedArray(output) as Float32Array).entries()) {
    if (!Number.isFinite(probability)) throw notFinite(output.name);
    const index = Number(indices[step]);
    if (!(index >= 0 && index < count))
      throw outputMismatch(chosen, `${needed}, below ${count}; one is ${index}`);
    yield { index, probability };
  }
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
