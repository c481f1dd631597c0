import type { ClassificationBlock } from "../../domain/blocks/postprocess/classification.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import {
  elementCount,
  type NumericTensor,
  type Tensor,
  type TensorSpec,
  toBytes,
  toTypedArray,
} from "../../domain/tensor.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import { cannotPropose, chooseOutput, isFloat, type ProposalInput } from "./proposal.ts";

interface Classification extends Pick<ExportedTask, "labels" | "notes"> {
  readonly labels: string[];
  readonly postprocess: ClassificationBlock;
}

const SCORES = /prob|score|logit|softmax|pred/i;
const MAX_CLASSES = 16_384;
/** How far the sum of rounded probabilities is from 1. */
const SUM_TOLERANCE = 1e-3;

/**
 * The postprocess block of a classification.
 * @param feeds inputs that the model is run on, to see whether its scores are probabilities
 */
export async function proposeClassification(
  task: TaskKind,
  input: ProposalInput,
  feeds: readonly (readonly Tensor[])[],
): Promise<Classification> {
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && (spec.shape.length <= 2 || spec.shape.length === 0),
    names: SCORES,
    needed: "scores of shape [batch, classes]",
  });
  const runs = await runAll(input, feeds, output.name);
  const classes = classesOf(output, runs);
  const { labels, note } = labelsOf(task, input, classes);
  const isBinary = classes === 1 && labels.length === 2;
  const activation = activationOf(runs, classes, isBinary, output);
  return {
    labels: [...labels],
    postprocess: {
      type: "classification",
      version: 1,
      scores: output.name,
      activation: activation.value,
    },
    notes: [`scores are the output "${output.name}", ${activation.note}`, note],
  };
}

async function runAll(
  { probe }: ProposalInput,
  feeds: readonly (readonly Tensor[])[],
  output: string,
): Promise<readonly Tensor[]> {
  const results: Tensor[] = [];
  for (const inputs of feeds) {
    const outputs = await probe(inputs).catch(() => []);
    const found = outputs.find(({ name }) => name === output);
    if (found) results.push(found);
  }
  return results;
}

/** How many scores an item has. */
function classesOf({ shape }: TensorSpec, runs: readonly Tensor[]): number | undefined {
  const declared = shape.length === 1 ? 1 : fixedSize(shape[1]);
  const [first] = runs;
  if (declared !== undefined || !first) return declared;
  return first.shape.length <= 1 ? 1 : first.shape[1];
}

function labelsOf(
  task: TaskKind,
  input: ProposalInput,
  classes: number | undefined,
): { labels: readonly string[]; note: string } {
  const fromConfig = Object.entries(input.config.config?.id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
  const known = input.labels ?? (fromConfig.length > 0 ? fromConfig : undefined);
  if (known) return { labels: known, note: `${known.length} labels` };
  if (classes === undefined || classes > MAX_CLASSES)
    throw cannotPropose(
      input,
      task,
      "neither the model nor a sent file says which classes there are",
      'Send "labels", or a file labels.txt with a label in each line.',
    );
  // One score is that of the second class.
  const count = classes === 1 ? 2 : classes;
  return {
    labels: Array.from({ length: count }, (_, index) => String(index)),
    note: `labels are the numbers 0 to ${count - 1}, because neither the model nor a file has names: send "labels" or labels.txt`,
  };
}

function activationOf(
  runs: readonly Tensor[],
  classes: number | undefined,
  isBinary: boolean,
  { name }: TensorSpec,
): { value: "none" | "softmax" | "sigmoid"; note: string } {
  const values = runs.map(numbersOf);
  const areFractions =
    values.length > 0 && values.flat().every((value) => value >= 0 && value <= 1 + SUM_TOLERANCE);
  if (isBinary)
    return areFractions || (values.length === 0 && /prob/i.test(name))
      ? { value: "none", note: "as they are: that of the second label, from 0 to 1" }
      : { value: "sigmoid", note: "made so by sigmoid" };
  const sumToOne =
    areFractions &&
    values.every((all) => {
      const rows = classes ? all.length / classes : 1;
      return Math.abs(all.reduce((sum, value) => sum + value, 0) - rows) <= SUM_TOLERANCE * rows;
    });
  if (sumToOne || (values.length === 0 && /prob/i.test(name)))
    return { value: "none", note: "as they are: probabilities whose sum is 1" };
  return { value: "softmax", note: "made probabilities by softmax: their sum is not 1" };
}

/** A tensor of one item that the model can be run on; dynamic sizes are 1. `undefined` for texts. */
export function feedOf(
  { name, datatype, shape }: TensorSpec,
  value: (index: number) => number,
): NumericTensor | undefined {
  if (datatype === "BYTES") return undefined;
  const sizes = shape.map((size) => fixedSize(size) ?? 1);
  const { array, kind } = NUMERIC_DATATYPES[datatype];
  const values = new array(elementCount(sizes));
  for (let index = 0; index < values.length; index++) {
    const number = value(index);
    values[index] = kind === "bigint" ? BigInt(Math.round(number)) : number;
  }
  return { name, datatype, shape: sizes, data: toBytes(values) };
}

/** Feeds of all inputs: zeros, and values that differ; texts are empty. */
export function probesOf(specs: readonly TensorSpec[]): Tensor[][] {
  const values = [() => 0, (index: number) => ((index * 37) % 11) / 2];
  return values.map((value) => specs.map((spec) => feedOf(spec, value) ?? emptyTexts(spec)));
}

function emptyTexts({ name, shape }: TensorSpec): Tensor {
  const sizes = shape.map((size) => fixedSize(size) ?? 1);
  return { name, datatype: "BYTES", shape: sizes, data: Array(elementCount(sizes)).fill("") };
}

function numbersOf(tensor: Tensor): number[] {
  return tensor.datatype === "BYTES" ? [] : Array.from(toTypedArray(tensor), Number);
}
