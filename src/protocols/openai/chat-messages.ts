import * as z from "zod";
import { Conversation, type Message } from "../../domain/conversation.ts";

/** Messages of a request; a conversation of short ones is longer than any context. */
const MAX_MESSAGES = 1024;
/** Characters of a name, the limit of OpenAI's API. */
const MAX_NAME = 64;

/** `developer` is `system`, as for OpenAI's models that know no such role. */
const ROLES = ["system", "developer", "user", "assistant"] as const;

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

/** Checked together: a list with an issue for each of a million elements takes 10 s and 700 MB (measured). */
const textParts = z
  .unknown()
  .refine(isTextParts, { abort: true })
  .meta({
    type: "array",
    items: {
      type: "object",
      properties: { type: { const: "text", type: "string" }, text: { type: "string" } },
      required: ["type", "text"],
      additionalProperties: false,
    },
    minItems: 1,
    maxItems: MAX_MESSAGES,
  }) as z.ZodType<readonly TextPart[]>;

function isTextParts(value: unknown): value is readonly TextPart[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_MESSAGES &&
    value.every(isTextPart)
  );
}

function isTextPart(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, text, ...others } = value as Record<string, unknown>;
  return type === "text" && typeof text === "string" && Object.keys(others).length === 0;
}

const content = z
  .union([z.string(), textParts], "a text, or a list of parts of the type text")
  .describe("A text, or parts of the type `text`, which are joined by line breaks.");

export const messagesSchema = z
  .array(
    z.strictObject({
      role: z.enum(ROLES),
      content,
      name: z.string().min(1).max(MAX_NAME).optional().describe("For templates that read it."),
    }),
  )
  .min(1, "at least one message")
  .max(MAX_MESSAGES);

export function toConversation(messages: z.output<typeof messagesSchema>): Conversation {
  return new Conversation(
    messages.map(
      ({ role, content: written, name }): Message => ({
        role: role === "developer" ? "system" : role,
        content: typeof written === "string" ? written : written.map(({ text }) => text).join("\n"),
        ...(name === undefined ? {} : { name }),
      }),
    ),
  );
}
