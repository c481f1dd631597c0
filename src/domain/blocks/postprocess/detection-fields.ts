import * as z from "zod";

/** Parts of the block "object-detection" that only some models have. */

const pixels = z.number().positive().max(65_536);

/** One feature map, whose cells each have a box of every size. */
const featureMap = z.strictObject({
  stride: pixels.describe("Pixels of the model's input from one cell to the next."),
  sizes: z
    .array(z.tuple([pixels, pixels]))
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Widths and heights in pixels, in the model's order; default: one square of `stride`.",
    ),
  columns: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe("Default: the width / `stride`, rounded up."),
  rows: z.int().min(1).max(4096).optional().describe("Default: the height / `stride`, rounded up."),
});

export const priorsSchema = z
  .strictObject({
    maps: z.array(featureMap).min(1).max(16),
    offset: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("Where in its cell a prior box has its centre, as a part of the stride."),
    encoding: z
      .enum(["log-size", "linear-size", "distances"])
      .describe(
        "The four values of a box: its centre's way from the prior's in sizes of the prior, and the logarithm of its size in those, as in SSD, RetinaFace and YOLOX; the same without the logarithm; or how far its edges are from the prior's centre, in sizes of the prior, as in FCOS.",
      ),
    variances: z
      .tuple([z.number().positive(), z.number().positive()])
      .default([1, 1])
      .describe("By which the values of the centre and of the size are multiplied."),
  })
  .describe(
    "Boxes are relative to prior boxes (anchors), cell by cell from the top left, in each cell size by size.",
  );

export const keypointsSchema = z
  .strictObject({
    labels: z.array(z.string()).min(1).max(512).describe("Of the keypoints, in the model's order."),
    scores: z.boolean().default(true).describe("Whether a score follows the x and the y of each."),
    scoreActivation: z.enum(["none", "sigmoid"]).default("none"),
    output: z
      .string()
      .optional()
      .describe("The FP32 output that has them; default: they are among the values of a box."),
  })
  .describe("Places in each object, in the form of the boxes.");

export const masksSchema = z
  .strictObject({
    prototypes: z
      .string()
      .describe("The FP32 output, of shape [batch, prototypes, height, width]."),
    coefficients: z
      .string()
      .optional()
      .describe(
        "The FP32 output that has a number for each prototype; default: they are among the values of a box.",
      ),
  })
  .describe("An object's mask is where the sum of prototypes, by its coefficients, is above 0.");

export type PriorsField = z.output<typeof priorsSchema>;
export type KeypointsField = z.output<typeof keypointsSchema>;

/** Prior boxes of all maps; their number is the model's number of boxes. */
export interface MapSize {
  readonly columns: number;
  readonly rows: number;
  readonly stride: number;
  readonly sizes: readonly (readonly [width: number, height: number])[];
}

/** @param frame the model's input, in pixels */
export function mapSizes(
  { maps }: Pick<PriorsField, "maps">,
  frame: { readonly width: number; readonly height: number },
): readonly MapSize[] {
  return maps.map(({ stride, sizes, columns, rows }) => ({
    stride,
    sizes: sizes ?? [[stride, stride]],
    columns: columns ?? Math.ceil(frame.width / stride),
    rows: rows ?? Math.ceil(frame.height / stride),
  }));
}

export function countPriors(sizes: readonly MapSize[]): number {
  return sizes.reduce(
    (sum, { columns, rows, sizes: each }) => sum + columns * rows * each.length,
    0,
  );
}
