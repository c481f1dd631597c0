import type { ImageBlock } from "../../domain/blocks/preprocess/image.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { PreprocessorConfig } from "../../domain/export-config.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { cannotPropose, onlyInput, type ProposalInput } from "./proposal.ts";

/** Means and standard deviations of ImageNet, which torchvision's and most other models are trained with. */
const MEAN: [number, number, number] = [0.485, 0.456, 0.406];
const STD: [number, number, number] = [0.229, 0.224, 0.225];
/** What of an image of ImageNet is looked at: 224 of 256 pixels. */
const CROP = 0.875;
/** By Pillow's numbers. */
const FILTERS: Readonly<Record<number, ImageBlock["resize"]["filter"]>> = {
  0: "nearest",
  1: "lanczos",
  2: "bilinear",
  3: "bicubic",
  4: "box",
};

type Size = { readonly width: number; readonly height: number };

export interface ImageProposal {
  readonly spec: TensorSpec;
  readonly preprocess: ImageBlock;
  readonly notes: readonly string[];
}

/** How a proposal fits images into the model's input where no configuration says it. */
export type DefaultResize = "crop" | "letterbox";

const SEND =
  "Send preprocessor_config.json beside the model, as image_processor.save_pretrained(FOLDER) writes it, or a manifest with preprocess (docs/tasks.md).";

/** The preprocess block of a model of images, from its input and preprocessor_config.json. */
export function proposeImage(
  task: TaskKind,
  input: ProposalInput,
  resizeBy: DefaultResize,
): ImageProposal {
  const spec = onlyInput(task, input);
  const { preprocessor } = input.config;
  const form = formOf(spec);
  if (!form)
    throw cannotPropose(
      input,
      task,
      `its input "${spec.name}" is no image: FP32 or UINT8 of shape [batch, channels, height, width] or [batch, height, width, channels], with 1 or 3 channels`,
      SEND,
    );
  const size = form.size ?? sizeOf(preprocessor);
  if (!size)
    throw cannotPropose(
      input,
      task,
      `its input "${spec.name}" takes images of any size, and nothing says which one is meant`,
      SEND,
    );
  const isGray = form.channels === 1;
  const resize = preprocessor
    ? configuredResize(task, input, preprocessor, size)
    : defaultResize(size, resizeBy);
  const values =
    spec.datatype === "UINT8" ? AS_THEY_ARE : valuesOf(preprocessor, isGray, form.layout);
  const color = preprocessor?.do_flip_channel_order ? "BGR" : "RGB";
  return {
    spec,
    preprocess: {
      type: "image",
      version: 1,
      input: spec.name,
      resize: resize.resize,
      color: isGray ? "GRAY" : color,
      layout: form.layout,
      ...values.fields,
      maxBatch: 4,
    },
    notes: [
      `images are ${isGray ? "gray" : color}, ${form.layout}`,
      `${resize.note}${preprocessor ? "" : ", guessed: preprocessor_config.json has not been sent"}`,
      values.note,
    ],
  };
}

function formOf({
  datatype,
  shape,
}: TensorSpec):
  | { layout: ImageBlock["layout"]; channels: 1 | 3; size: Size | undefined }
  | undefined {
  if (shape.length !== 4 || (datatype !== "FP32" && datatype !== "UINT8")) return undefined;
  const [, a, b, c] = shape.map(fixedSize);
  if (a === 3 || a === 1) return { layout: "NCHW", channels: a, size: toSize(b, c) };
  if (c === 3 || c === 1) return { layout: "NHWC", channels: c, size: toSize(a, b) };
  // Exporters leave all sizes open, with names in PyTorch's order.
  if (shape[1] === "num_channels") return { layout: "NCHW", channels: 3, size: undefined };
  return undefined;
}

function toSize(height: number | undefined, width: number | undefined): Size | undefined {
  return height !== undefined && width !== undefined ? { width, height } : undefined;
}

function sizeOf(config: PreprocessorConfig | undefined): Size | undefined {
  if (!config) return undefined;
  if (config.do_center_crop !== false && config.crop_size) return config.crop_size;
  const { size } = config;
  if (!size) return undefined;
  return "height" in size ? size : { width: size.shortest_edge, height: size.shortest_edge };
}

function defaultResize(
  size: Size,
  by: DefaultResize,
): { resize: ImageBlock["resize"]; note: string } {
  const { width, height } = size;
  if (by === "letterbox")
    return {
      resize: {
        mode: "letterbox",
        ...size,
        filter: "bilinear",
        background: [0, 0, 0],
        position: "center",
      },
      note: `they are fitted into ${width} x ${height} pixels with black borders`,
    };
  const shorter = Math.max(Math.round(Math.max(width, height) / CROP), width, height);
  return {
    resize: { mode: "shortest-edge", size: shorter, filter: "bilinear", crop: { width, height } },
    note: `their shorter edge is scaled to ${shorter} pixels, and the middle of ${width} x ${height} cut out`,
  };
}

/** As the image processors of transformers resize. */
function configuredResize(
  task: TaskKind,
  input: ProposalInput,
  config: PreprocessorConfig,
  target: Size,
): { resize: ImageBlock["resize"]; note: string } {
  const filter = FILTERS[config.resample ?? 2] ?? "bilinear";
  const exact = {
    resize: { mode: "exact", ...target, filter } as const,
    note: `they are scaled to ${target.width} x ${target.height} pixels (${filter})`,
  };
  const { size } = config;
  const crops = config.do_center_crop === true || config.crop_pct !== undefined;
  if (config.do_resize === false || !size) return exact;
  if ("height" in size) {
    if (!crops || (size.height === target.height && size.width === target.width)) return exact;
    throw cannotPropose(
      input,
      task,
      `preprocessor_config.json scales images to ${size.width} x ${size.height} whatever their proportions, and then cuts out ${target.width} x ${target.height}, which the block "image" does not`,
      'Send a manifest with preprocess, such as {"mode": "exact"} for nearly the same.',
    );
  }
  // ConvNeXT: below 384 pixels the shorter edge is longer than the crop.
  const { shortest_edge: edge } = size;
  if (config.crop_pct !== undefined && edge >= 384) return exact;
  const shorter = config.crop_pct === undefined ? edge : Math.trunc(edge / config.crop_pct);
  if (
    !crops &&
    target.width === target.height &&
    target.width === shorter &&
    config.crop_size === undefined
  )
    return {
      resize: { mode: "shortest-edge", size: shorter, filter, crop: target },
      note: `their shorter edge is scaled to ${shorter} pixels (${filter}), and the middle cut out: the input takes squares`,
    };
  if (target.width > shorter || target.height > shorter) return exact;
  return {
    resize: { mode: "shortest-edge", size: shorter, filter, crop: target },
    note: `their shorter edge is scaled to ${shorter} pixels (${filter}), and the middle of ${target.width} x ${target.height} cut out`,
  };
}

interface Values {
  readonly fields: Pick<ImageBlock, "scale" | "mean" | "std">;
  readonly note: string;
}

const AS_THEY_ARE: Values = { fields: {}, note: "levels go into the model as they are" };

function valuesOf(
  config: PreprocessorConfig | undefined,
  isGray: boolean,
  layout: ImageBlock["layout"],
): Values {
  if (!config) return guessedValues(isGray, layout);
  const scale = config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255);
  const mean = config.do_normalize === false ? undefined : perChannel(config.image_mean, isGray);
  const std = config.do_normalize === false ? undefined : perChannel(config.image_std, isGray);
  return {
    fields: { scale, ...(mean && { mean }), ...(std && { std }) },
    note: `a value is level * ${round(scale)}${mean ? ` - ${mean.join(", ")}` : ""}${std ? `, divided by ${std.join(", ")}` : ""} (preprocessor_config.json)`,
  };
}

function guessedValues(isGray: boolean, layout: ImageBlock["layout"]): Values {
  const why = "guessed: preprocessor_config.json has not been sent";
  if (isGray || layout === "NHWC")
    return { fields: { scale: 1 / 255 }, note: `a value is level / 255, from 0 to 1, ${why}` };
  return {
    fields: { scale: 1 / 255, mean: MEAN, std: STD },
    note: `a value is level / 255, normalized with the means and deviations of ImageNet, ${why}`,
  };
}

function perChannel(
  values: readonly number[] | undefined,
  isGray: boolean,
): [number] | [number, number, number] | undefined {
  const [a, b, c] = values ?? [];
  if (a === undefined) return undefined;
  return isGray || b === undefined || c === undefined ? [a] : [a, b, c];
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
