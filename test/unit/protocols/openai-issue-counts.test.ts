import { expect, test } from "vitest";
import type * as z from "zod";
import { chatCompletionRequestSchema } from "../../../src/protocols/openai/chat-completions.ts";
import { completionRequestSchema } from "../../../src/protocols/openai/completions.ts";
import { embeddingsRequestSchema } from "../../../src/protocols/openai/embeddings.ts";

/** Each issue takes microseconds and hundreds of bytes, and a body may have a million strings. */
const MANY = Array.from({ length: 100_000 }, () => "a");

function issuesOf(schema: z.ZodType, body: object): number {
  const count = (issues: readonly z.core.$ZodIssue[]): number =>
    issues.reduce(
      (sum, issue) =>
        sum +
        1 +
        ("errors" in issue ? issue.errors.reduce((all, each) => all + count(each), 0) : 0),
      0,
    );
  const { error } = schema.safeParse({ model: "m", ...body });
  return error ? count(error.issues) : 0;
}

test.each([
  ["texts of a prompt", completionRequestSchema, { prompt: MANY }],
  ["texts in the place of token ids", completionRequestSchema, { prompt: [MANY, MANY] }],
  ["stop strings", completionRequestSchema, { prompt: "a", stop: MANY.map(() => "") }],
  ["messages", chatCompletionRequestSchema, { messages: MANY }],
  [
    "parts of a message",
    chatCompletionRequestSchema,
    {
      messages: Array.from({ length: 100 }, () => ({ role: "user", content: MANY.slice(0, 1000) })),
    },
  ],
  ["inputs of embeddings", embeddingsRequestSchema, { input: MANY }],
  ["types of embeddings", embeddingsRequestSchema, { input: "a", embedding_types: MANY }],
])("a request with far too many %s has few issues", (_, schema, body) => {
  const issues = issuesOf(schema, body);
  expect(issues).toBeGreaterThan(0);
  expect(issues).toBeLessThan(1000);
});
