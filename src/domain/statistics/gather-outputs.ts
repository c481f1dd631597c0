import { sigmoid } from "../../shared/activations.ts";
import type { PostprocessOf } from "../blocks/registry.ts";
import type { Manifest } from "../manifest.ts";
import { elementCount, type NumericTensor, type Tensor, toTypedArray } from "../tensor.ts";
import type { DescribedModel } from "./feature-plan.ts";
import { MAX_LOOKED_AT, sampledIndex } from "./gather-inputs.ts";
import { MAX_ROWS, OutputRows } from "./output-rows.ts";

/** Gathers what was predicted, over the runs of a request. */
export interface OutputGatherer {
  /** The outputs of a run, as far as they were asked for. */
  tensors(outputs: readonly Tensor[]): void;
  /** What a task has found. */
  found(items: Iterable<{ readonly label: string; readonly score: number }>): void;
  statistics(): ReturnType<OutputRows["statistics"]>;
}

/** Numbers of the scores that are looked at: a millisecond of work. */
const MAX_SCORES = 65_536;
/** By which the sum of probabilities may differ from 1. */
const SUM_TOLERANCE = 0.01;

/** @returns `undefined` for a model that predicts neither labels nor numbers */
export function createOutputGatherer({
  manifest,
  profile,
}: DescribedModel): OutputGatherer | undefined {
  const { postprocess } = manifest;
  if (!postprocess || !PREDICTS.includes(postprocess.type)) return undefined;
  const reference = profile?.profile.outputs.find(({ name }) => name === "value");
  const edges = reference?.kind === "numeric" ? reference.edges : undefined;
  const rows = new OutputRows(postprocess.type === "regression" ? { edges } : undefined);
  return {
    tensors: (outputs) => addOutputs(manifest, outputs, rows),
    found(items) {
      for (const { label, score } of items) {
        rows.count += 1;
        rows.label(label, score);
      }
    },
    statistics: () => rows.statistics(),
  };
}

const PREDICTS: readonly string[] = [
  "classification",
  "audio-classification",
  "clustering",
  "regression",
  "object-detection",
  "image-segmentation",
  "token-classification",
];

/** Adds what the outputs of a run predict; nothing where they are not those that the task reads. */
function addOutputs(manifest: Manifest, outputs: readonly Tensor[], rows: OutputRows): void {
  const { postprocess } = manifest;
  const find = (name: string): NumericTensor | undefined =>
    outputs.find((each): each is NumericTensor => each.name === name && each.datatype !== "BYTES");
  switch (postprocess?.type) {
    case "audio-classification":
    case "classification": {
      const scores = find(postprocess.scores);
      if (scores) classify(scores, postprocess, manifest, rows);
      break;
    }
    case "clustering": {
      const distances = find(postprocess.distances);
      if (distances) cluster(distances, manifest, rows);
      break;
    }
    case "regression": {
      const values = find(postprocess.output);
      if (values) regress(values, rows);
      break;
    }
  }
}

function classify(
  scores: NumericTensor,
  { activation }: Pick<PostprocessOf<"classification">, "activation">,
  { labels = [] }: Manifest,
  rows: OutputRows,
): void {
  const { values, width } = toMatrix(scores);
  // The probability of the second of two labels.
  const isBinary = width === 1 && labels.length === 2;
  if (labels.length !== (isBinary ? 2 : width)) return;
  visitRows(scores, width, rows, (start) => {
    if (isBinary) {
      const score = Number(values[start]);
      const second = activation === "sigmoid" ? sigmoid(score) : score;
      const place = second > 0.5 ? 1 : 0;
      const confidence = place === 1 ? second : 1 - second;
      rows.label(labels[place] ?? "", confidence, entropyOf([1 - second, second]));
      return;
    }
    let best = start;
    for (let at = start + 1; at < start + width; at++)
      if ((values[at] as number) > (values[best] as number)) best = at;
    const label = labels[best - start] ?? "";
    const top = Number(values[best]);
    if (activation === "softmax") rows.label(label, ...softmaxOf(values, start, width, top));
    // Several labels may be true at once: their probabilities have no entropy in common.
    else if (activation === "sigmoid") rows.label(label, sigmoid(top));
    else rows.label(label, top, entropyAt(values, start, width));
  });
}

/** The probability of the largest logit, and the entropy, without an array: `ln(sum) - sum(d * exp(d)) / sum` with `d` the differences from it. */
function softmaxOf(
  values: ArrayLike<number | bigint>,
  start: number,
  width: number,
  top: number,
): [confidence: number, entropy: number] {
  let sum = 0;
  let weighted = 0;
  for (let at = start; at < start + width; at++) {
    const difference = Number(values[at]) - top;
    const power = Math.exp(difference);
    sum += power;
    if (power > 0) weighted += difference * power;
  }
  return [1 / sum, Math.max(0, Math.log(sum) - weighted / sum)];
}

/** In nats; `undefined` for numbers that are no probabilities of which one is true. */
function entropyAt(
  values: ArrayLike<number | bigint>,
  start: number,
  width: number,
): number | undefined {
  let sum = 0;
  let entropy = 0;
  for (let at = start; at < start + width; at++) {
    const probability = Number(values[at]);
    if (!(probability >= 0)) return undefined;
    sum += probability;
    if (probability > 0) entropy -= probability * Math.log(probability);
  }
  return Math.abs(sum - 1) <= SUM_TOLERANCE ? Math.max(0, entropy) : undefined;
}

function entropyOf(probabilities: readonly number[]): number | undefined {
  return entropyAt(probabilities, 0, probabilities.length);
}

function cluster(distances: NumericTensor, { labels = [] }: Manifest, rows: OutputRows): void {
  const { values, width } = toMatrix(distances);
  visitRows(distances, width, rows, (start) => {
    let nearest = start;
    for (let at = start + 1; at < start + width; at++)
      if ((values[at] as number) < (values[nearest] as number)) nearest = at;
    rows.label(labels[nearest - start] ?? String(nearest - start));
  });
}

function regress(output: NumericTensor, rows: OutputRows): void {
  const { values, width } = toMatrix(output);
  visitRows(output, width, rows, (start) => {
    for (let at = start; at < start + width; at++) rows.number(Number(values[at]), width === 1);
  });
}

/** Rows of numbers; what is not of shape [rows] or [rows, columns] has its further dimensions in columns. */
function toMatrix(tensor: NumericTensor): {
  readonly values: ArrayLike<number | bigint>;
  readonly width: number;
} {
  return { values: toTypedArray(tensor), width: elementCount(tensor.shape.slice(1)) };
}

/** Counts the rows, and calls back with where each row begins that is looked at: the first ones, and others evenly spaced. */
function visitRows(
  { shape }: NumericTensor,
  width: number,
  rows: OutputRows,
  visit: (start: number) => void,
): void {
  const count = shape[0] ?? 1;
  rows.count += count;
  if (width < 1) return;
  const most = Math.max(MAX_ROWS, Math.min(MAX_LOOKED_AT, Math.floor(MAX_SCORES / width)));
  const looked = Math.min(count, most);
  for (let index = 0; index < looked; index++) {
    const row =
      index < MAX_ROWS
        ? index
        : MAX_ROWS + sampledIndex(index - MAX_ROWS, looked - MAX_ROWS, count - MAX_ROWS);
    visit(row * width);
  }
}
