import * as z from "zod";
import type { Grammar } from "../../domain/grammar.ts";

const jsonSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, _ and -"),
  description: z.string().optional().describe("Accepted, and without effect."),
  schema: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("A JSON Schema, as far as it is supported; without it any object is accepted."),
  strict: z.boolean().optional().describe("The answer conforms to the schema in either case."),
});

/** The form of a chat's answer. */
export const responseFormatSchema = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text") }),
    z.strictObject({ type: z.literal("json_object") }),
    z.strictObject({ type: z.literal("json_schema"), json_schema: jsonSchema }),
  ])
  .describe("Text, a JSON object, or JSON that conforms to a schema.");

const ANY_OBJECT = { type: "object" };

/** What the task holds the text to. */
export function toGrammar(
  format: z.output<typeof responseFormatSchema> | undefined,
): Grammar | undefined {
  switch (format?.type) {
    case "json_object":
      return { type: "json", value: ANY_OBJECT };
    case "json_schema":
      return { type: "json", value: format.json_schema.schema ?? ANY_OBJECT };
    default:
      return undefined;
  }
}
