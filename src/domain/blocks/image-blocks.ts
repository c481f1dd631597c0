import { z } from "zod";
import type { TensorSpec } from "../tensor.ts";
import { blockVersion as version } from "./block-fields.ts";

/** The blocks of manifests for pictures; `docs/tasks.md` says what each computes. */

const side = z.int().min(1).max(4096);
const level = z.int().min(0).max(255);

const filter = z
  .enum(["nearest", "box", "bilinear", "bicubic", "lanczos"])
  .describe("As Pillow's filter of that name: antialiased when a picture gets smaller.");

const resize = z.discriminatedUnion("mode", [
  z
    .strictObject({ mode: z.literal("exact"), width: side, height: side, filter })
    .describe("To this size, whatever that does to the proportions."),
  z
    .strictObject({
      mode: z.literal("shortest-edge"),
      size: side,
      filter,
      crop: z.strictObject({ width: side, height: side }),
    })
    .refine(({ size, crop }) => crop.width <= size && crop.height <= size, {
      error: "a crop must fit into a square of `size`",
      path: ["crop"],
    })
    .describe(
      "The shorter edge to `size`, proportions kept, then the middle of `crop`: Resize and CenterCrop of torchvision.",
    ),
  z
    .strictObject({
      mode: z.literal("letterbox"),
      width: side,
      height: side,
      filter,
      background: z.tuple([level, level, level]).default([0, 0, 0]).describe("Red, green, blue."),
    })
    .describe(
      "As large as it fits, proportions kept, in the middle of `background`: ImageOps.pad.",
    ),
]);

const perChannel = z.union([z.tuple([z.number()]), z.tuple([z.number(), z.number(), z.number()])]);

/** `preprocess`: a picture as a tensor. */
export const imageSchema = z.strictObject({
  type: z.literal("image"),
  version,
  input: z
    .string()
    .describe("The model's input, UINT8 or FP32, of shape [batch, ...] in the order of `layout`."),
  resize,
  color: z.enum(["RGB", "BGR", "GRAY"]).describe("The channels and their order; alpha is dropped."),
  layout: z.enum(["NCHW", "NHWC"]),
  scale: z
    .number()
    .optional()
    .describe("A number of an FP32 input is (level * scale - mean) / std; 1 unless said."),
  mean: perChannel.optional().describe("In the order of `color`, or one for all; 0 unless said."),
  std: perChannel.optional().describe("In the order of `color`, or one for all; 1 unless said."),
  maxBatch: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe("How many pictures one run takes at most: it needs memory for each of them."),
});

const unit = z.number().min(0).max(1);

/** `postprocess`: boxes and scores as objects in the picture. */
export const objectDetectionSchema = z.strictObject({
  type: z.literal("object-detection"),
  version,
  boxes: z.string().describe("The model's output, of shape [batch, boxes, 4]."),
  scores: z.string().describe("The model's output, of shape [batch, boxes, labels]."),
  boxFormat: z
    .enum(["xyxy", "cxcywh"])
    .describe("Left, top, right, bottom; or the middle, width and height."),
  coordinates: z
    .enum(["normalized", "pixels"])
    .describe("Whether 1 is the width and the height of the model's input, or one pixel of it."),
  scoreActivation: z
    .enum(["none", "sigmoid"])
    .describe("What remains to be applied to the output to make it scores."),
  scoreThreshold: unit.describe("The least score of an object, unless the request says another."),
  iouThreshold: unit.describe(
    "Of two boxes of one label that share more than this of what they cover, the better one stays.",
  ),
  maxDetections: z.int().min(1).max(1000).describe("How many objects one picture has at most."),
});

export type ImageBlock = z.output<typeof imageSchema>;
export type ObjectDetectionBlock = z.output<typeof objectDetectionSchema>;

/** The size of what the model gets to see. */
export function imageSize({ resize }: ImageBlock): { width: number; height: number } {
  const { width, height } = resize.mode === "shortest-edge" ? resize.crop : resize;
  return { width, height };
}

/** What about the model's input does not fit the block, by the block's field. */
export function* imageProblems(
  block: ImageBlock,
  spec: TensorSpec,
): Generator<readonly [field: string, message: string]> {
  if (spec.datatype !== "UINT8" && spec.datatype !== "FP32")
    yield ["input", `is ${spec.datatype}, but pictures become UINT8 or FP32`];
  const { width, height } = imageSize(block);
  const channels = block.color === "GRAY" ? 1 : 3;
  const expected = block.layout === "NCHW" ? [channels, height, width] : [height, width, channels];
  const given = spec.shape.slice(1);
  const fits = expected.every((size, axis) => {
    const dimension = given[axis];
    return typeof dimension === "string" || dimension === -1 || dimension === size;
  });
  if (given.length !== 3 || !fits)
    yield ["input", `has not the shape [batch, ${expected.join(", ")}]`];
  for (const field of ["scale", "mean", "std"] as const)
    if (spec.datatype === "UINT8" && block[field] !== undefined)
      yield [field, "is for FP32 inputs: a UINT8 input takes the levels as they are"];
  for (const field of ["mean", "std"] as const) {
    const values = block[field];
    if (values && values.length !== 1 && values.length !== channels)
      yield [field, `has ${values.length} numbers for ${channels} channels`];
  }
  if (block.std?.includes(0)) yield ["std", "must not be 0"];
}
