import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type Service, startService } from "../support/service.ts";

/**
 * Texts of pocket-gpt in workerd, and the greedy tokens of ONNX Runtime in Python on the same graph
 * (`recipes/pocket_gpt.py`).
 */

interface Case {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  readonly text: string;
  /** How many of the tokens are ahead of all others by more than the kernels of two machines differ. */
  readonly certain: number;
}

const { cases }: { cases: readonly Case[] } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
);
const whole = cases.filter(({ tokens, certain }) => certain === tokens.length);
const begun = cases.filter(({ tokens, certain }) => certain > 0 && certain < tokens.length);

let service: Service;

beforeAll(async () => {
  service = await startService({ models: ["pocket-gpt"] });
});

afterAll(() => service?.dispose());

test("more than fifty prompts have certain answers", () => {
  expect(whole.length).toBeGreaterThan(50);
});

test.each(whole)("$prompt is continued with the tokens of Python", async (expected) => {
  const { tokens, text } = await generate(expected, expected.tokens.length);
  expect(tokens).toEqual(expected.tokens);
  expect(text).toBe(expected.text);
});

test.each(begun)("$prompt is continued with the first tokens of Python", async (expected) => {
  const { tokens } = await generate(expected, expected.certain);
  expect(tokens).toEqual(expected.tokens.slice(0, expected.certain));
});

async function generate(
  { prompt, ids }: Case,
  count: number,
): Promise<{ tokens: number[]; text: string }> {
  const { status, body } = await service.post("/models/pocket-gpt", {
    inputs: prompt,
    // Requests were written to the model without the token that begins a text.
    parameters: {
      truncate: ids.length,
      max_new_tokens: count,
      return_full_text: false,
      details: true,
    },
  });
  expect({ status, body }).toMatchObject({ status: 200 });
  const [result] = body as [{ generated_text: string; details: { tokens: { id: number }[] } }];
  return { tokens: result.details.tokens.map(({ id }) => id), text: result.generated_text };
}
