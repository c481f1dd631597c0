import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Conversation, type Message } from "../../../../src/domain/conversation.ts";
import {
  createChatTemplate,
  type RenderChat,
} from "../../../../src/tasks/generation/chat-template.ts";
import { catchApiError } from "../../../support/errors.ts";

/** Prompts are those of Python's jinja2 (`chat_templates.py`, `recipes/pocket_gpt.py`). */

interface Rendered {
  readonly messages: readonly Message[];
  readonly prompt?: string;
  readonly error?: string;
}

const read = (...path: string[]) => JSON.parse(readFileSync(projectPath(...path), "utf8"));
const { tokens, templates } = read("test", "fixtures", "generation", "chat-templates.json") as {
  tokens: Record<string, string>;
  templates: { name: string; template: string; cases: Rendered[] }[];
};

const CONTEXT = 1024;
const templateOf = (config: unknown): RenderChat =>
  createChatTemplate(new TextEncoder().encode(JSON.stringify(config)), CONTEXT);
const ASKED = new Conversation([{ role: "user", content: "a" }]);

const all = templates.flatMap(({ name, template, cases }) =>
  cases.map((each, at) => ({ name, at, template, ...each })),
);

test.each(all.filter(({ prompt }) => prompt !== undefined))(
  "$name writes conversation $at as Python does",
  ({ template, messages, prompt }) => {
    const render = templateOf({ ...tokens, chat_template: template });
    expect(render(new Conversation(messages), "inputs")).toBe(prompt);
  },
);

test.each(all.filter(({ error }) => error !== undefined))(
  "$name refuses conversation $at, as in Python",
  ({ template, messages, error = "" }) => {
    const render = templateOf({ ...tokens, chat_template: template });
    const refused = catchApiError("invalid_input", () =>
      render(new Conversation(messages), "inputs"),
    );
    expect(refused.message).toContain("inputs cannot be written by the model's chat template: ");
    expect(refused.message).toContain(error.replace(/\.$/, ""));
  },
);

test("pocket-gpt's template writes the prompts that Python wrote", () => {
  const config = readFileSync(projectPath("models", "pocket-gpt", "1", "tokenizer_config.json"));
  const render = createChatTemplate(Uint8Array.from(config), CONTEXT);
  const { cases } = read("test", "fixtures", "generation", "pocket-gpt.json") as {
    cases: Rendered[];
  };
  const chats = cases.filter(({ messages }) => messages !== undefined);
  expect(chats.length).toBeGreaterThan(50);
  for (const { messages, prompt } of chats)
    expect(render(new Conversation(messages), "inputs")).toBe(prompt);
});

test("special tokens may be objects, and of several templates the one named default is used", () => {
  const render = templateOf({
    bos_token: { content: "<s>", special: true },
    chat_template: [
      { name: "tool_use", template: "no" },
      { name: "default", template: "{{ bos_token }}{{ messages[0].content }}" },
    ],
  });
  expect(render(ASKED, "inputs")).toBe("<s>a");
});

describe("a template that cannot be used refuses conversations", () => {
  test.each([
    ["without a template", { bos_token: "<s>" }, "chat_template"],
    ["without a default template", { chat_template: [{ name: "rag", template: "a" }] }, "default"],
    [
      "with a template that is no Jinja",
      { chat_template: "{% for %}" },
      "chat template cannot be used",
    ],
    ["with a very long template", { chat_template: "a".repeat(65_537) }, "65536"],
  ])("%s", (_, config, message) => {
    const render = templateOf(config);
    const error = catchApiError("invalid_request", () => render(ASKED, "inputs"));
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ field: "model" });
  });

  test("of a file that is not JSON", () => {
    const render = createChatTemplate(new TextEncoder().encode("{"), CONTEXT);
    const error = catchApiError("invalid_request", () => render(ASKED, "inputs"));
    expect(error.message).toContain("its file is not JSON");
  });
});

test("a conversation of too many characters is refused before it is written", () => {
  const render = templateOf({ chat_template: "{{ raise_exception('written') }}" });
  const long = new Conversation([
    { role: "user", content: "a".repeat(40_000) },
    { role: "user", content: "a".repeat(25_537) },
  ]);
  const error = catchApiError("invalid_input", () => render(long, "inputs"));
  expect(error.message).toBe(
    "inputs have 65537 characters: a conversation may have 65536 at most.",
  );
});

test("no conversation has more messages than its context has room for, whatever a template does with them", () => {
  const quadratic =
    "{% for one in messages %}{% for other in messages %}{% if other.role != one.role %}x{% endif %}{% endfor %}{% endfor %}";
  const render = templateOf({ ...tokens, chat_template: quadratic });
  const conversation = (length: number) =>
    new Conversation(Array.from({ length }, () => ({ role: "user", content: "a" })));
  expect(render(conversation(CONTEXT / 4), "messages")).toBe("");
  const refused = catchApiError("invalid_input", () =>
    render(conversation(CONTEXT / 4 + 1), "messages"),
  );
  expect(refused.message).toContain(
    "The conversation of messages has 257 messages, and the model's context has 1024",
  );
});
