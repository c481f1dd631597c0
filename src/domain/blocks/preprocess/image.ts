import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

const side = z.int().min(1).max(4096);
const level = z.int().min(0).max(255);

const filter = z
  .enum(["nearest", "box", "bilinear", "bicubic", "lanczos"])
  .describe("As Pillow's filter of that name: antialiased when an image gets smaller.");

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
      position: z
        .enum(["center", "top-left"])
        .default("center")
        .describe("Where the image is; at the top left for YOLOX."),
    })
    .describe("As large as it fits, proportions kept, in `background`: ImageOps.pad."),
]);

const perChannel = z.union([z.tuple([z.number()]), z.tuple([z.number(), z.number(), z.number()])]);

const schema = z.strictObject({
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
    .describe("A value of an FP32 input is (level * scale - mean) / std; default 1."),
  mean: perChannel.optional().describe("In the order of `color`, or one for all; default 0."),
  std: perChannel.optional().describe("In the order of `color`, or one for all; default 1."),
  maxBatch: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe("How many images one run takes at most: it needs memory for each of them."),
});

export type ImageBlock = z.output<typeof schema>;

/** An image file, scaled and normalized. */
export const imageBlock = {
  type: "image",
  schema,
  mediaTypes: ["image/jpeg", "image/png", "image/webp", "application/octet-stream"],
  inputs: "an image as base64 or a data URL, or a list of images",
  parameters: NO_PARAMETERS,
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, { inputs }) {
    const channels = channelsOf(block);
    for (const field of ["mean", "std"] as const) {
      const { length = 1 } = block[field] ?? {};
      if (length !== 1 && length !== channels)
        yield {
          path: ["preprocess", field],
          message: `has ${length} numbers for ${channels} channels`,
        };
    }
    if (block.std?.includes(0)) yield { path: ["preprocess", "std"], message: "must not be 0" };
    const spec = findSpec(inputs, block.input);
    if (!spec) return;
    const shapes = [["batch", ...imageShape(block)]];
    yield* tensorProblems(["preprocess", "input"], spec, { datatypes: ["UINT8", "FP32"], shapes });
    for (const field of ["scale", "mean", "std"] as const)
      if (spec.datatype === "UINT8" && block[field] !== undefined)
        yield {
          path: ["preprocess", field],
          message: "is for FP32 inputs: a UINT8 input takes the levels as they are",
        };
  },
} satisfies PreprocessDefinition<typeof schema>;

/** The size of the image that the model reads, in pixels. */
export function imageSize({ resize }: Pick<ImageBlock, "resize">): {
  width: number;
  height: number;
} {
  const { width, height } = resize.mode === "shortest-edge" ? resize.crop : resize;
  return { width, height };
}

export function channelsOf({ color }: Pick<ImageBlock, "color">): 1 | 3 {
  return color === "GRAY" ? 1 : 3;
}

/** The shape of one image in the tensor, without the batch. */
export function imageShape(block: ImageBlock): [number, number, number] {
  const { width, height } = imageSize(block);
  const channels = channelsOf(block);
  return block.layout === "NCHW" ? [channels, height, width] : [height, width, channels];
}
