import { beforeAll, expect, test } from "vitest";
import { expectedParts, explain, furthest } from "../../../support/explained-parts.ts";
import { findModel } from "../../../support/publish.ts";
import { type ServedVersion, servedVersion } from "../../../support/served-version.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** What prompts add to the probability of answers, against the same model in ONNX Runtime (recipes/explained_parts_fixtures.py). */

const { prompt, tokens, text, words } = expectedParts.generation;

let model: ServedVersion;
beforeAll(() => {
  stubWorkersGlobals();
  model = servedVersion(findModel("pocket-gpt"));
});

test("an answer is as probable by the words of its prompt as in Python", async () => {
  const answer = await explain(model, "occlusion", prompt, { max_new_tokens: tokens.length });
  expect(answer).toMatchObject({
    space: "output",
    output_names: [text],
    feature_names: prompt.split(" "),
    generated_text: text,
    text: prompt,
    runs: 11,
  });
  expect(answer.tokens.map(({ id }) => id)).toEqual(tokens);
  expect(answer.output).toBeCloseTo(words.output, 2);
  expect(answer.base_value).toBeCloseTo(words.base_value, 1);
  // Where one value of an int8 layer is rounded in another way by the kernels of Python, all that follow it differ a little.
  expect(furthest(answer.values, words.values)).toBeLessThan(0.2);
  const same = answer.values.filter(
    (value, at) => Math.abs(value - (words.values[at] ?? 0)) < 1e-4,
  );
  expect(same.length).toBeGreaterThan(4);
});

test("each token of an answer is an output", async () => {
  const parameters = { max_new_tokens: 2, unit: "token" };
  const answer = await explain(model, "occlusion", "one two", parameters, { output: "all" });
  expect(answer.feature_names).toEqual(["one", " two"]);
  const rows = answer.values as unknown as number[][];
  for (const [whole = 0, ...each] of rows)
    expect(each.reduce((sum, value) => sum + value, 0)).toBeCloseTo(whole, 9);
  const logprobs = answer.tokens.map(({ logprob }) => logprob);
  expect(furthest((answer.output as unknown as number[]).slice(1), logprobs)).toBeLessThan(1e-5);
});

test("a mask, and scores of labels, are refused", async () => {
  await expect(explain(model, "occlusion", prompt, { removal: "mask" })).rejects.toThrow(
    "removal cannot be mask, because a model that generates text has no mask token",
  );
  await expect(explain(model, "occlusion", prompt, {}, { space: "margin" })).rejects.toThrow(
    "gives tokens logarithms of probabilities. Leave it out, or send output.",
  );
});
