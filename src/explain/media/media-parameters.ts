import * as z from "zod";

export const TEXT_UNITS = ["word", "token"] as const;
export const REMOVALS = ["mask", "remove"] as const;
export const FILLS = ["blur", "mean"] as const;

/** Limits of docs/configuration.md. */
const MAX_GRID = 32;
const MAX_SEGMENTS = 256;
const MAX_BANDS = 64;

const side = z.int().min(1).max(MAX_GRID);

/** What divides texts, pictures and sounds into features, and what stands for one that is left out. */
export const mediaParameters = {
  unit: z
    .enum(TEXT_UNITS)
    .optional()
    .describe("Of texts: whether words (the default) or tokens are left out."),
  removal: z
    .enum(REMOVALS)
    .optional()
    .describe(
      "Of texts: whether what is left out is replaced by the mask token of the tokenizer (the default where it has one), or removed.",
    ),
  max_new_tokens: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe(
      "Of models that generate text: tokens of the answer that is explained; 20 by default.",
    ),
  grid: z
    .tuple([side, side])
    .optional()
    .describe("Of pictures: rows and columns of the cells that are left out; [7, 7] by default."),
  segments: z
    .int()
    .min(2)
    .max(MAX_SEGMENTS)
    .optional()
    .describe("Of pictures: about how many superpixels are left out instead of cells."),
  fill: z
    .enum(FILLS)
    .optional()
    .describe(
      "Of pictures: what stands for a part that is left out: the picture, blurred (the default), or its mean colour.",
    ),
  window_ms: z
    .number()
    .min(20)
    .max(60_000)
    .optional()
    .describe("Of recordings: the length of the windows that are silenced."),
  bands: z
    .int()
    .min(2)
    .max(MAX_BANDS)
    .optional()
    .describe("Of recordings: how many bands of frequency are silenced, instead of windows."),
};

export const mediaParametersSchema = z.strictObject(mediaParameters);
export type MediaParameters = z.output<typeof mediaParametersSchema>;
