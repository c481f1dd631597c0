import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { filePath, blockVersion as version } from "../block-fields.ts";
import { findSpec, pairProblems, tensorProblems } from "../tensor-checks.ts";
import { boundingBox } from "./object-detection.ts";

const fraction = z.number().min(0).max(1);

const schema = z.strictObject({
  type: z.literal("text-lines"),
  version,
  output: z
    .string()
    .describe(
      "The model's FP32 output: [batch, steps, characters], or [steps, batch, characters] for a batch of one; with `indices` the probability of the most likely character of each step, [batch, steps].",
    ),
  indices: z
    .string()
    .optional()
    .describe(
      "The model's integer output with the index of the most likely character of each step, [batch, steps], of a graph that chooses it.",
    ),
  dictionary: filePath.describe(
    "The file with the characters, one in each line, in the order of the output.",
  ),
  blank: z
    .enum(["first", "last"])
    .default("first")
    .describe("Where the output has the blank of CTC, which is not in the dictionary."),
  space: z
    .boolean()
    .default(true)
    .describe("Whether a space follows the characters of the dictionary."),
  activation: z
    .enum(["none", "softmax"])
    .default("none")
    .describe("What makes the output probabilities."),
  scoreThreshold: fraction
    .default(0)
    .describe("The lowest score of a line, unless the request says otherwise."),
});

export type TextLinesBlock = z.output<typeof schema>;

const line = z.strictObject({
  text: z.string(),
  score: z.number().describe("The mean probability of its characters."),
  box: boundingBox,
  polygon: z
    .array(z.tuple([z.number(), z.number()]))
    .describe("The four corners, clockwise from the top left of the text, x and y in pixels."),
});

const readImage = z.strictObject({
  generated_text: z.string().describe("The texts of all lines, with line breaks between."),
  lines: z.array(line).describe("From the top, lines side by side from the left."),
});

const prediction = z.array(readImage).length(1).describe("Text in an image, a list of one.");

/** Lines of text by CTC: the most likely character of each step, without repetitions and blanks. */
export const textLinesBlock = {
  type: "text-lines",
  schema,
  parameters: z.strictObject({
    threshold: fraction.optional().describe("the lowest score of a line"),
  }),
  prediction,
  named: { TextLine: line, ReadImage: readImage },
  picture: { isDefault: false, description: "the image, with the outlines of its lines" },
  generates: true,
  references: ({ output, indices, dictionary }) => ({
    outputs: indices === undefined ? [output] : [output, indices],
    files: [dictionary],
  }),
  *problems(block, manifest) {
    yield* pairProblems("text-lines", manifest, "page");
    const { indices, activation } = block;
    const spec = findSpec(manifest.outputs, block.output);
    if (spec)
      yield* tensorProblems(["postprocess", "output"], spec, {
        datatypes: ["FP32"],
        shapes: [indices === undefined ? ["batch", "steps", "characters"] : ["batch", "steps"]],
      });
    if (indices === undefined) return;
    const chosen = findSpec(manifest.outputs, indices);
    if (chosen)
      yield* tensorProblems(["postprocess", "indices"], chosen, {
        datatypes: ["INT64", "INT32"],
        shapes: [["batch", "steps"]],
      });
    if (activation !== "none")
      yield {
        path: ["postprocess", "activation"],
        message: "must be none with indices: the graph has chosen by probabilities",
      };
  },
} satisfies PostprocessDefinition<typeof schema>;

export type TextLine = z.output<typeof line>;
export type TextLinesParameters = z.output<typeof textLinesBlock.parameters>;
