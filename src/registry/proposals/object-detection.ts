import type { ObjectDetectionBlock } from "../../domain/blocks/postprocess/object-detection.ts";
import { imageShape } from "../../domain/blocks/preprocess/image.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { type Tensor, type TensorSpec, toTypedArray } from "../../domain/tensor.ts";
import { proposeImage } from "./image-block.ts";
import {
  cannotPropose,
  chooseOutput,
  isFloat,
  type ProposalInput,
  type ProposeTask,
} from "./proposal.ts";
import { feedOf } from "./scores.ts";

/** Values of normalized boxes are within the image, or a little outside. */
const MAX_NORMALIZED = 2;

const SEPARATE = {
  layout: "rows",
  rotated: false,
  scoring: "per-label",
  labelsPerBox: "all",
  suppression: "by-label",
} as const;

/** Boxes and scores in two outputs, as SSD and the models of transformers with sigmoid scores have them. */
export const proposeObjectDetection: ProposeTask = async (task, input) => {
  const boxes = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length === 3 && fixedSize(spec.shape[2]) === 4,
    names: /box/i,
    needed: "boxes of shape [batch, boxes, 4]",
  });
  const scores = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length === 3 && spec.name !== boxes.name,
    names: /score|logit|class|conf/i,
    needed: "scores of shape [batch, boxes, labels]",
  });
  const image = proposeImage(task, input, "letterbox");
  const shape = [1, ...imageShape(image.preprocess)];
  const run = await tryRun(input, { ...image.spec, shape });
  const found = { boxes: numbersOf(run, boxes), scores: numbersOf(run, scores) };
  const labels = labelsOf(input, scores, run);
  const { boxFormat, coordinates } = formOf(boxes, found.boxes);
  const scoreActivation = found.scores.every((score) => score >= 0 && score <= 1)
    ? ("none" as const)
    : ("sigmoid" as const);
  if (/^detr|yolos|conditional/.test(input.config.config?.model_type ?? "detr-less"))
    refuseSoftmax(task, input);
  return {
    task,
    preprocess: image.preprocess,
    postprocess: {
      type: "object-detection",
      version: 1,
      boxes: boxes.name,
      scores: scores.name,
      boxFormat,
      coordinates,
      scoreActivation,
      scoreThreshold: 0.5,
      ...SEPARATE,
      iouThreshold: 0.5,
      ignoreLabels: [],
      maxDetections: 100,
    },
    labels: [...labels],
    files: [],
    notes: [
      ...image.notes,
      `boxes are the output "${boxes.name}", ${boxFormat === "xyxy" ? "left, top, right, bottom" : "centre, width, height"}, ${coordinates}, by a first run`,
      `scores are the output "${scores.name}", ${scoreActivation === "none" ? "as they are" : "by sigmoid"}, of ${labels.length} labels`,
      "objects have a score of 0.5 at least, and overlap by 0.5 at most",
    ],
  };
};

/** DETR's scores are a softmax with a last class for no object, which the block does not compute. */
function refuseSoftmax(task: Parameters<ProposeTask>[0], input: ProposalInput): void {
  const { model_type: type } = input.config.config ?? {};
  if (type !== "detr" && type !== "yolos") return;
  throw cannotPropose(
    input,
    task,
    `models of the type ${type} have scores by softmax with a class for no object, and the block "object-detection" takes scores as they are or by sigmoid`,
    "Export it with the softmax in the graph, without the last class, or use a model such as RT-DETR.",
  );
}

async function tryRun({ probe }: ProposalInput, spec: TensorSpec): Promise<readonly Tensor[]> {
  const feed = feedOf(spec, (index) =>
    spec.datatype === "UINT8" ? (index * 37) % 256 : ((index * 37) % 11) / 11,
  );
  return feed ? probe([feed]).catch(() => []) : [];
}

function numbersOf(run: readonly Tensor[], { name }: TensorSpec): number[] {
  const found = run.find((tensor) => tensor.name === name);
  return found && found.datatype !== "BYTES" ? Array.from(toTypedArray(found), Number) : [];
}

function formOf(
  { name }: TensorSpec,
  values: readonly number[],
): Pick<ObjectDetectionBlock, "boxFormat" | "coordinates"> {
  const coordinates = values.every((value) => Math.abs(value) <= MAX_NORMALIZED)
    ? "normalized"
    : "pixels";
  if (name === "pred_boxes") return { boxFormat: "cxcywh", coordinates: "normalized" };
  const isCorners = values.every(
    (value, index) => index % 4 < 2 || value >= (values[index - 2] ?? 0),
  );
  return { boxFormat: isCorners ? "xyxy" : "cxcywh", coordinates };
}

function labelsOf(
  input: ProposalInput,
  scores: TensorSpec,
  run: readonly Tensor[],
): readonly string[] {
  if (input.labels) return input.labels;
  const fromConfig = Object.entries(input.config.config?.id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
  if (fromConfig.length > 0) return fromConfig;
  const count =
    fixedSize(scores.shape[2]) ?? run.find(({ name }) => name === scores.name)?.shape[2] ?? 1;
  return Array.from({ length: count }, (_, index) => String(index));
}
