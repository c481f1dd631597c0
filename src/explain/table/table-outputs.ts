import { ApiError } from "../../domain/errors.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { classScores, classSpaces } from "./class-scores.ts";
import { arrayNames } from "./feature-names.ts";
import { type OutputMemory, type OutputRows, readNumbers } from "./output-rows.ts";

/** What of a model's outputs is explained, and as what. */
export interface TableOutputs {
  readonly space: ExplanationSpace;
  /** The model's output. */
  readonly name: string;
  /**
   * @param memory where the numbers are until the next run is read; new memory when left out
   * @throws ApiError `inference_failed` for NaN and infinity, `task_not_supported` for an output of another form
   */
  read(result: Tensor | undefined, memory?: OutputMemory): OutputRows;
  /** What is known of the names before anything is run; empty where the model's numbers are not counted yet. */
  readonly labels: readonly string[];
  /** The labels, or the indices of numbers. @param width of a row */
  names(width: number): readonly string[];
  /** The index that is explained when the request names none. @param row of the model's answer to the input that is explained */
  predicted(row: ArrayLike<number>): number;
}

/** What the outputs of a version can be explained as, the default first. */
export function spacesOf({ postprocess, labels = [] }: Manifest): readonly ExplanationSpace[] {
  if (postprocess?.type !== "classification") return ["output"];
  return classSpaces(postprocess, labels.length);
}

/** @throws ApiError `invalid_request` for a space that the version does not have, `task_not_supported` for a version without numbers to explain */
export function createTableOutputs(
  manifest: Manifest,
  wanted: ExplanationSpace | undefined,
): TableOutputs {
  const { postprocess, labels = [] } = manifest;
  const space = chooseSpace(manifest, wanted);
  switch (postprocess?.type) {
    case "classification": {
      const read = classScores(postprocess, labels, space);
      return {
        space,
        name: postprocess.scores,
        labels: space === "output" ? [] : labels,
        read,
        names: (width) => (width === labels.length ? labels : indices(width)),
        predicted: greatest,
      };
    }
    case "clustering":
      return {
        space,
        name: postprocess.distances,
        labels,
        read: readNumbers,
        names: (width) => (width === labels.length ? labels : indices(width)),
        predicted: (row) => greatest(Array.from(row, (distance) => -distance)),
      };
    case "anomaly":
      return numbersOf(postprocess.scores);
    case "regression":
      return numbersOf(postprocess.output);
    case undefined:
      return numbersOf(firstNumbers(manifest));
    default:
      throw new ApiError(
        "task_not_supported",
        `${formatModelId(manifest)} has the postprocess block ${postprocess?.type}: rows of numbers are explained for classification, regression, clustering and anomalies, and for models without a task.`,
      );
  }
}

/** An output that is explained as it is. */
function numbersOf(name: string): TableOutputs {
  let shape: readonly number[] = [];
  return {
    space: "output",
    name,
    labels: [],
    read(result, memory) {
      shape = result?.shape.slice(1) ?? [];
      return readNumbers(result, memory);
    },
    names: (width) => (width === 1 ? [name] : arrayNames(shape)),
    predicted: () => 0,
  };
}

function chooseSpace(manifest: Manifest, wanted: ExplanationSpace | undefined): ExplanationSpace {
  const valid = spacesOf(manifest);
  if (wanted === undefined) return valid[0] as ExplanationSpace;
  if (valid.includes(wanted)) return wanted;
  const why =
    manifest.postprocess?.type === "classification"
      ? "returns probabilities of more than two labels, behind which the scores are not known"
      : "returns numbers and no scores of labels";
  throw new ApiError(
    "invalid_request",
    `"parameters.space" cannot be ${wanted}, because ${formatModelId(manifest)} ${why}. Leave it out, or send ${valid.join(" or ")}.`,
    { details: { field: "parameters.space", valid } },
  );
}

/** Of a model without a task: the first output of floats, or of numbers. */
function firstNumbers(manifest: Manifest): string {
  const numbers = manifest.outputs.filter(({ datatype }) => datatype !== "BYTES");
  const floats = numbers.find(({ datatype }) => datatype.startsWith("FP"));
  const [output = floats] = floats ? [floats] : numbers;
  if (output) return output.name;
  throw new ApiError(
    "task_not_supported",
    `${formatModelId(manifest)} has no output of numbers that could be explained.`,
  );
}

function indices(width: number): string[] {
  return Array.from({ length: width }, (_, index) => String(index));
}

function greatest(row: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < row.length; index++)
    if ((row[index] as number) > (row[best] as number)) best = index;
  return best;
}
