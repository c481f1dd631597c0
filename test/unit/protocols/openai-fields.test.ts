import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import {
  chatCompletionRequestSchema,
  REFUSED_CHAT_FIELDS,
} from "../../../src/protocols/openai/chat-completions.ts";
import {
  completionRequestSchema,
  REFUSED_COMPLETION_FIELDS,
} from "../../../src/protocols/openai/completions.ts";
import { createGenerationApp } from "../../support/generated-parts.ts";

/** The fields of an interface of OpenAI's client, by its declarations. */
function fieldsOf(file: string, name: string): string[] {
  const path = projectPath("node_modules", "openai", "resources", ...file.split("/"));
  const declared = readFileSync(path, "utf8");
  const start = declared.indexOf(`export interface ${name} {`);
  const fields = declared.slice(start, declared.indexOf("\n}", start));
  return [...fields.matchAll(/^ {4}(\w+)\??:/gm)].map(([, field = ""]) => field);
}

test.each([
  [
    "chat/completions/completions.d.ts",
    "ChatCompletionCreateParamsBase",
    chatCompletionRequestSchema,
    REFUSED_CHAT_FIELDS,
  ],
  [
    "completions.d.ts",
    "CompletionCreateParamsBase",
    completionRequestSchema,
    REFUSED_COMPLETION_FIELDS,
  ],
] as const)(
  "each field of %s, %s, is honoured or refused by name",
  (file, name, schema, refused) => {
    const fields = fieldsOf(file, name);
    expect(fields.length).toBeGreaterThan(15);
    const known = new Set([...Object.keys(schema.shape), ...Object.keys(refused)]);
    expect(fields.filter((field) => !known.has(field))).toEqual([]);
  },
);

test.each([
  ["a role that there is not", { role: "robot", content: "a" }, "messages.0.role"],
  ["a tool's message", { role: "tool", content: "a", tool_call_id: "b" }, "messages.0.role"],
  [
    "a picture",
    { role: "user", content: [{ type: "image_url", image_url: { url: "a" } }] },
    "messages.0.content",
  ],
])("%s is refused in OpenAI's form", async (_, message, param) => {
  const response = await createGenerationApp().post("/v1/chat/completions", {
    messages: [message],
  });
  const { error } = (await response.json()) as { error: { param: string } };
  expect(response.status).toBe(400);
  expect(error).toMatchObject({ type: "invalid_request_error", code: "invalid_request" });
  expect(error.param).toMatch(new RegExp(`^${param}`));
});

test.each(["/v1/chat/completions", "/v1/completions"])(
  "a body of %s that is not UTF-8 is refused",
  async (path) => {
    const text = JSON.stringify({
      model: "pocket-gpt",
      prompt: "?",
      messages: [{ role: "user", content: "?" }],
    });
    const body = new TextEncoder().encode(text).map((byte) => (byte === 0x3f ? 0xff : byte));
    const response = await createGenerationApp().request(path, { method: "POST", body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: {
        type: "invalid_request_error",
        code: "invalid_json",
        message: expect.stringContaining("UTF-8"),
      },
    });
  },
);
