import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { TEXT_MEDIA_TYPES, blockVersion as version } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";
import { UNCUT_TEXT_PARAMETERS } from "./uncut-texts.ts";

const schema = z.strictObject({
  type: z.literal("text"),
  version,
  input: z.string().describe("The model's BYTES input, of shape [batch] or [batch, 1]."),
});

export type TextBlock = z.output<typeof schema>;

/** Texts as they are, for a model that splits them itself. */
export const textBlock = {
  type: "text",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs: "a text, or a list of texts",
  parameters: UNCUT_TEXT_PARAMETERS,
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, { inputs }) {
    const spec = findSpec(inputs, block.input);
    const expected = { datatypes: ["BYTES"], shapes: [["batch"], ["batch", 1]] } as const;
    if (spec) yield* tensorProblems(["preprocess", "input"], spec, expected);
  },
} satisfies PreprocessDefinition<typeof schema>;
