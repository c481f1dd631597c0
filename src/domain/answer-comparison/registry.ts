import type { TaskKind } from "../task-kinds.ts";
import { compareAnomalies } from "./anomalies.ts";
import { compareBoxes } from "./boxes.ts";
import {
  type Answer,
  type CompareOptions,
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
} from "./comparison.ts";
import { compareEntities } from "./entities.ts";
import { compareClasses, compareClusters } from "./labels.ts";
import { compareCosines, compareNumbers } from "./numbers.ts";
import { compareRankings } from "./rankings.ts";
import { compareSegments } from "./segments.ts";
import { compareSpeech } from "./speech-segments.ts";
import { compareTensors, type TensorRule } from "./tensors.ts";
import { compareParts, compareTexts } from "./texts.ts";
import { compareVectors } from "./vectors.ts";

interface TaskComparison {
  readonly values: CompareValues;
  /** Of the outputs of its runs. */
  readonly tensors: TensorRule;
}

const CLASSES: TaskComparison = { values: compareClasses, tensors: "argmax" };
const VECTORS: TaskComparison = { values: compareVectors, tensors: "tolerance" };
const TEXTS: TaskComparison = { values: compareTexts, tensors: "argmax" };

/** How the answers of each task are compared. */
export const COMPARISONS: Readonly<Record<TaskKind, TaskComparison>> = {
  "tabular-classification": CLASSES,
  "tabular-regression": { values: compareNumbers, tensors: "tolerance" },
  clustering: { values: compareClusters, tensors: "argmin" },
  "anomaly-detection": { values: compareAnomalies, tensors: "tolerance" },
  "image-classification": CLASSES,
  "object-detection": { values: compareBoxes, tensors: "tolerance" },
  "image-segmentation": { values: compareSegments, tensors: "tolerance" },
  "image-to-text": TEXTS,
  "text-classification": CLASSES,
  "token-classification": { values: compareEntities, tensors: "argmax" },
  "zero-shot-classification": CLASSES,
  "text-ranking": { values: compareRankings, tensors: "tolerance" },
  "feature-extraction": VECTORS,
  "sentence-similarity": VECTORS,
  "text-generation": TEXTS,
  "text2text-generation": TEXTS,
  summarization: TEXTS,
  translation: TEXTS,
  "audio-classification": CLASSES,
  "audio-feature-extraction": VECTORS,
  "automatic-speech-recognition": TEXTS,
  "voice-activity-detection": { values: compareSpeech, tensors: "tolerance" },
};

/** Outputs of a model without a task are most often scores. */
const NO_TASK: TaskComparison = { values: compareStructure, tensors: "argmax" };

/**
 * Compares two answers to one request, of two versions of a model.
 * @param task of the version whose answer is the first one; `undefined` for a model without a task
 */
export function compareAnswers(
  task: TaskKind | undefined,
  first: Answer,
  second: Answer,
  options: CompareOptions = {},
): Comparison {
  if (first.kind === "error" || second.kind === "error") return compareErrors(first, second);
  const ofTask = task ? COMPARISONS[task] : NO_TASK;
  if (first.kind === "tensors" && second.kind === "tensors")
    return compareTensors(first.tensors, second.tensors, ofTask.tensors);
  if (first.kind === "parts" && second.kind === "parts")
    return compareParts(first.parts, second.parts);
  if (first.kind !== "value" || second.kind !== "value") return DIFFERENT_STRUCTURE;
  const isComparison = first.form === "comparison" && second.form === "comparison";
  const isRanking = first.form === "ranking" && second.form === "ranking";
  const compare = isComparison ? compareCosines : isRanking ? compareRankings : ofTask.values;
  return compare(first.value, second.value, options);
}

function compareErrors(first: Answer, second: Answer): Comparison {
  const same = first.kind === "error" && second.kind === "error" && first.code === second.code;
  return { same, measure: "error", distance: same ? 0 : 1 };
}
