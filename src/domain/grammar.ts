import * as z from "zod";

/** Longest regular expression, docs/configuration.md. */
export const MAX_EXPRESSION = 1024;

const jsonSchema = z.record(z.string(), z.unknown());

/** What a text is held to, in the forms of Hugging Face's server for text generation. */
export const grammarSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("json").describe("JSON that a JSON Schema accepts."),
    value: jsonSchema,
  }),
  z.strictObject({
    type: z.literal("json_schema").describe("The same, with a name."),
    value: z.strictObject({ name: z.string().optional(), schema: jsonSchema }),
  }),
  z.strictObject({
    type: z.literal("regex").describe("Texts that a regular expression matches as a whole."),
    value: z.string().min(1).max(MAX_EXPRESSION),
  }),
]);

export type Grammar = z.output<typeof grammarSchema>;
