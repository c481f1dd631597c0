import * as z from "zod";
import type { ManifestContext, PreprocessDefinition, Problem } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";
import { imageBlock } from "./image.ts";
import {
  detectionSchema,
  directionSchema,
  lineHeight,
  lineWidth,
  pixelFields,
} from "./page-fields.ts";

const schema = z
  .strictObject({
    type: z.literal("page"),
    version,
    input: z
      .string()
      .describe("The model's FP32 input with one line of text: [batch, channels, height, width]."),
    height: lineHeight.default(48).describe("To which lines are scaled, proportions kept."),
    minWidth: lineWidth
      .default(320)
      .describe("Shorter lines have zeros on the right, after `scale`, `mean` and `std`."),
    maxWidth: lineWidth.default(3200).describe("Longer lines are squeezed to it."),
    ...pixelFields,
    detection: detectionSchema.optional(),
    direction: directionSchema.optional(),
  })
  .describe(
    "Without `detection` an image is one line of text; with it, a page whose lines are found by a model of its own.",
  );

export type PageBlock = z.output<typeof schema>;

/** A page, or a line of text, as lines of one height. */
export const pageBlock = {
  type: "page",
  schema,
  mediaTypes: imageBlock.mediaTypes,
  inputs: "an image of a page, or of a line of text, as base64 or a data URL, or a list of images",
  parameters: NO_PARAMETERS,
  references: ({ input, detection, direction }) => ({
    inputs: [input],
    models: {
      ...(detection && {
        [detection.model]: { inputs: [detection.input], outputs: [detection.output] },
      }),
      ...(direction && {
        [direction.model]: { inputs: [direction.input], outputs: [direction.output] },
      }),
    },
  }),
  *problems(block, manifest) {
    if (manifest.postprocess && manifest.postprocess.type !== "text-lines")
      yield { path: ["postprocess", "type"], message: "must be text-lines, which page needs" };
    yield* lineProblems(block, manifest);
    yield* detectionProblems(block, manifest);
    yield* directionProblems(block, manifest);
  },
} satisfies PreprocessDefinition<typeof schema>;

/** The number of channels of an image of the colours. */
export function colourChannels({ color }: Pick<PageBlock, "color">): 1 | 3 {
  return color === "GRAY" ? 1 : 3;
}

function* lineProblems(block: PageBlock, { inputs }: ManifestContext): Generator<Problem> {
  const { height, minWidth, maxWidth } = block;
  yield* pixelProblems(["preprocess"], block);
  if (minWidth > maxWidth)
    yield {
      path: ["preprocess", "minWidth"],
      message: `must not be above maxWidth, which is ${maxWidth}`,
    };
  const spec = findSpec(inputs, block.input);
  if (!spec) return;
  const shapes = [["batch", colourChannels(block), height, "width"]];
  yield* tensorProblems(["preprocess", "input"], spec, { datatypes: ["FP32"], shapes });
  const width = fixedSize(spec.shape[3]);
  if (width !== undefined && (minWidth !== width || maxWidth !== width))
    yield {
      path: ["preprocess", "maxWidth"],
      message: `must be ${width}, as minWidth: the input takes lines of that width`,
    };
}

function* detectionProblems(
  { detection }: PageBlock,
  { models }: ManifestContext,
): Generator<Problem> {
  if (!detection) return;
  const path = ["preprocess", "detection"];
  yield* pixelProblems(path, detection);
  if (detection.maxSide % detection.multiple !== 0)
    yield {
      path: [...path, "maxSide"],
      message: `must be a multiple of ${detection.multiple}, as the sides of pages are`,
    };
  const model = models?.[detection.model];
  const input = findSpec(model?.inputs ?? [], detection.input);
  const output = findSpec(model?.outputs ?? [], detection.output);
  if (input)
    yield* tensorProblems([...path, "input"], input, {
      datatypes: ["FP32"],
      shapes: [["batch", colourChannels(detection), "height", "width"]],
    });
  if (output)
    yield* tensorProblems([...path, "output"], output, {
      datatypes: ["FP32"],
      shapes: [["batch", 1, "height", "width"]],
    });
}

function* directionProblems(
  { direction }: PageBlock,
  { models }: ManifestContext,
): Generator<Problem> {
  if (!direction) return;
  const path = ["preprocess", "direction"];
  yield* pixelProblems(path, direction);
  const model = models?.[direction.model];
  const input = findSpec(model?.inputs ?? [], direction.input);
  const output = findSpec(model?.outputs ?? [], direction.output);
  const { height, width } = direction;
  if (input)
    yield* tensorProblems([...path, "input"], input, {
      datatypes: ["FP32"],
      shapes: [["batch", colourChannels(direction), height, width]],
    });
  if (output)
    yield* tensorProblems([...path, "output"], output, {
      datatypes: ["FP32"],
      shapes: [["batch", 2]],
    });
}

function* pixelProblems(
  path: Problem["path"],
  block: Pick<PageBlock, "color" | "mean" | "std">,
): Generator<Problem> {
  const channels = colourChannels(block);
  for (const field of ["mean", "std"] as const) {
    const { length } = block[field];
    if (length !== 1 && length !== channels)
      yield { path: [...path, field], message: `has ${length} numbers for ${channels} channels` };
  }
  if (block.std.includes(0)) yield { path: [...path, "std"], message: "must not be 0" };
}
