import type { ImageSegmentationBlock } from "../../domain/blocks/postprocess/image-segmentation.ts";
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
  SEND_BLOCKS,
} from "./proposal.ts";
import { feedOf } from "./scores.ts";

/** How far the sum of rounded probabilities is from 1. */
const SUM_TOLERANCE = 1e-3;
const BACKGROUND = /^(?:_?_?background_?_?|unlabell?ed|void)$/i;

type Found = Pick<ImageSegmentationBlock, "form" | "layout" | "activation"> & {
  readonly planes: number;
  readonly note: string;
};

/** Masks of an output of planes: scores of labels, indices of labels, or one matte. */
export const proposeImageSegmentation: ProposeTask = async (task, input) => {
  const output = chooseOutput(task, input, {
    fits: ({ shape }) => shape.length === 4 || shape.length === 3,
    names: /logit|mask|segment|alpha|matte|^out$|^output$|pred/i,
    needed: "planes of shape [batch, labels, rows, columns] or [batch, rows, columns]",
  });
  const image = proposeImage(task, input, "crop");
  const { mode } = image.preprocess.resize;
  // Without a word on it the whole image is looked at: what is cropped has no mask.
  const preprocess = input.config.preprocessor
    ? image.preprocess
    : {
        ...image.preprocess,
        resize: {
          mode: "exact" as const,
          ...sizeOf(image.preprocess),
          filter: "bilinear" as const,
        },
      };
  const values = await runOnce(
    input,
    { ...image.spec, shape: [1, ...imageShape(image.preprocess)] },
    output,
  );
  const found = formOf(output, values);
  if (!found)
    throw cannotPropose(
      input,
      task,
      `the output "${output.name}" of shape [${output.shape.join(", ")}] does not say which dimension has the labels`,
      SEND_BLOCKS,
    );
  const { planes, note, ...form } = found;
  const labels = labelsOf(input, planes, form.form);
  const ignored = labels.filter((label) => BACKGROUND.test(label));
  return {
    task,
    preprocess,
    postprocess: {
      type: "image-segmentation",
      version: 1,
      output: output.name,
      ...form,
      scoreThreshold: 0,
      ignoreLabels: ignored.length < labels.length ? ignored : [],
    },
    labels,
    files: [],
    notes: [
      ...(preprocess === image.preprocess
        ? image.notes
        : [
            ...image.notes.filter((text) => !text.startsWith("their shorter edge")),
            `they are scaled to the model's size whatever their proportions, instead of ${mode}, so that all of them is looked at, guessed: preprocessor_config.json has not been sent`,
          ]),
      `masks are made of the output "${output.name}": ${note}`,
      ...(ignored.length > 0 ? [`${ignored.join(", ")} gets no mask, by its name`] : []),
    ],
  };
};

function sizeOf({ resize }: { resize: { mode: string } & object }): {
  width: number;
  height: number;
} {
  const { crop, width, height } = resize as {
    crop?: { width: number; height: number };
    width?: number;
    height?: number;
  };
  return crop ?? { width: width ?? 0, height: height ?? 0 };
}

async function runOnce(
  { probe }: ProposalInput,
  spec: TensorSpec,
  output: TensorSpec,
): Promise<Tensor | undefined> {
  const feed = feedOf(spec, (index) =>
    spec.datatype === "UINT8" ? (index * 37) % 256 : ((index * 37) % 11) / 11,
  );
  const outputs = feed ? await probe([feed]).catch(() => []) : [];
  return outputs.find(({ name }) => name === output.name);
}

/** @param run the output of a first run, if there is one: exporters leave sizes open */
function formOf(output: TensorSpec, run: Tensor | undefined): Found | undefined {
  const shape = run?.shape ?? output.shape.map((size) => fixedSize(size) ?? -1);
  const values = run && run.datatype !== "BYTES" ? toTypedArray(run) : undefined;
  const [, a = -1, b = -1, c = -1] = shape;
  if (!isFloat(output)) {
    const layout = shape.length === 4 && a !== 1 ? "NHWC" : "NCHW";
    if (shape.length === 4 && a !== 1 && c !== 1) return undefined;
    const highest = values ? Array.from(values, Number).reduce((x, y) => Math.max(x, y), 0) : 0;
    return {
      form: "classes",
      layout,
      activation: "none",
      planes: highest + 1,
      note: "the index of the label of each pixel",
    };
  }
  const isMatte = shape.length === 3 || a === 1 || c === 1;
  const layout =
    shape.length === 3 || a === 1 ? "NCHW" : c === 1 || (c > 0 && c < a && c < b) ? "NHWC" : "NCHW";
  const floats = values ? Array.from(values, Number) : [];
  const areFractions = floats.length > 0 && floats.every((value) => value >= 0 && value <= 1);
  if (isMatte)
    return {
      form: "mattes",
      layout,
      activation: areFractions ? "none" : "sigmoid",
      planes: 1,
      note: `one matte, ${areFractions ? "as it is: from 0 to 1 in a first run" : "by sigmoid"}`,
    };
  const planes = layout === "NHWC" ? c : a;
  if (planes < 1) return undefined;
  const areProbabilities = areFractions && sumToOne(floats, planes, layout);
  return {
    form: "logits",
    layout,
    activation: areProbabilities ? "none" : "softmax",
    planes,
    note: `scores of ${planes} labels, ${layout}, ${areProbabilities ? "probabilities as they are" : "for the scores of labels made probabilities by softmax"}`,
  };
}

function sumToOne(values: readonly number[], planes: number, layout: "NCHW" | "NHWC"): boolean {
  const cells = values.length / planes;
  const [planeStep, cellStep] = layout === "NCHW" ? [cells, 1] : [1, planes];
  for (let cell = 0; cell < cells; cell++) {
    let sum = 0;
    for (let plane = 0; plane < planes; plane++)
      sum += values[plane * planeStep + cell * cellStep] ?? 0;
    if (Math.abs(sum - 1) > SUM_TOLERANCE) return false;
  }
  return true;
}

function labelsOf(
  input: ProposalInput,
  planes: number,
  form: ImageSegmentationBlock["form"],
): string[] {
  if (input.labels) return [...input.labels];
  const fromConfig = Object.entries(input.config.config?.id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
  if (fromConfig.length === planes || (form === "classes" && fromConfig.length > planes))
    return fromConfig;
  return planes === 1
    ? ["foreground"]
    : Array.from({ length: planes }, (_, index) => String(index));
}
