import * as z from "zod";

/** Fields of the block `page`. */

const perChannel = z.union([z.tuple([z.number()]), z.tuple([z.number(), z.number(), z.number()])]);
const fraction = z.number().min(0).max(1);

export const lineHeight = z.int().min(8).max(256);
export const lineWidth = z.int().min(8).max(4096);

/** How levels become numbers. */
export const pixelFields = {
  color: z.enum(["RGB", "BGR", "GRAY"]).default("BGR").describe("The channels and their order."),
  scale: z
    .number()
    .default(1 / 255)
    .describe("A value is (level * scale - mean) / std; default 1 / 255."),
  mean: perChannel.default([0.5]).describe("In the order of `color`, or one for all."),
  std: perChannel.default([0.5]).describe("In the order of `color`, or one for all."),
};

/** A model of DBNet's kind: for each pixel how likely it is part of a line of text, narrowed. */
export const detectionSchema = z
  .strictObject({
    model: z.string().describe("One of `models`."),
    input: z.string().describe("Its FP32 input: [batch, channels, height, width]."),
    output: z
      .string()
      .describe("Its FP32 output, probabilities of text: [batch, 1, height, width]."),
    maxSide: z
      .int()
      .min(32)
      .max(2048)
      .default(960)
      .describe("Pages whose longer side is longer are scaled to it."),
    maxPixels: z
      .int()
      .min(1024)
      .max(4_194_304)
      .default(921_600)
      .describe("Pages of more pixels are scaled to so many: the model needs memory for each."),
    multiple: z
      .int()
      .min(1)
      .max(128)
      .default(32)
      .describe("Sides are rounded to the nearest multiple of it."),
    ...pixelFields,
    mean: perChannel.default([0.485, 0.456, 0.406]),
    std: perChannel.default([0.229, 0.224, 0.225]),
    threshold: fraction.default(0.3).describe("From which probability on a pixel is text."),
    boxThreshold: fraction
      .default(0.6)
      .describe("The lowest mean probability within the rectangle of a line."),
    unclipRatio: z
      .number()
      .min(0)
      .max(10)
      .default(1.5)
      .describe(
        "A rectangle grows on each side by its area times this, divided by its circumference.",
      ),
    maxLines: z.int().min(1).max(1000).default(1000).describe("Lines of one page."),
  })
  .describe("The model that finds the lines of a page.");

export type TextDetection = z.output<typeof detectionSchema>;

/** A model that tells whether a line is upside down. */
export const directionSchema = z
  .strictObject({
    model: z.string().describe("One of `models`."),
    input: z.string().describe("Its FP32 input: [batch, channels, height, width]."),
    output: z
      .string()
      .describe("Its FP32 output, probabilities: [batch, 2], upright and upside down."),
    height: lineHeight.default(48),
    width: lineWidth.default(192),
    ...pixelFields,
    threshold: fraction
      .default(0.9)
      .describe("Lines are turned that are upside down with a higher probability."),
  })
  .describe("The model by which lines that are upside down are turned.");

export type TextDirection = z.output<typeof directionSchema>;
