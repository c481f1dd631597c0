import * as z from "zod";
import { Conversation, type Message } from "../../domain/conversation.ts";

/** Messages of a request; a conversation of short ones is longer than any context. */
const MAX_MESSAGES = 1024;
/** Characters of a name, the limit of OpenAI's API. */
const MAX_NAME = 64;

/** `developer` is `system`, as for OpenAI's models that know no such role. */
const ROLES = ["system", "developer", "user", "assistant"] as const;

const content = z
  .union(
    [
      z.string(),
      z
        .array(z.strictObject({ type: z.literal("text"), text: z.string() }))
        .min(1)
        .max(MAX_MESSAGES),
    ],
    "a text, or a list of parts of the type text",
  )
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
