import { beforeAll, describe, expect, test } from "vitest";
import type { RankedTextScore } from "../../../../src/domain/blocks/ranking-fields.ts";
import { finish } from "../../../../src/tasks/text/word-model.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import {
  createTextPairTask,
  type RunTexts,
  readTextPairs,
} from "../../../support/text-pair-task.ts";
import { readTokenizer } from "../../../support/tokenizers.ts";

/** Two texts that a model reads together, compared with the pipelines of transformers; fp32 in two engines. */
const TOLERANCE = 1e-4;
const expected = readTextPairs();
type Scores = readonly { readonly label: string; readonly score: number }[];

function expectScores(actual: unknown, wanted: Scores): void {
  const scores = actual as Scores;
  expect(scores.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
  for (const [at, { score }] of wanted.entries())
    expect(Math.abs((scores[at]?.score ?? Number.NaN) - score)).toBeLessThan(TOLERANCE);
}

describe.each(expected.encodings)("pairs by $tokenizer", ({ tokenizer: name, cases }) => {
  const tokenizer = readTokenizer(name);

  test("have the ids and types of Python's tokenizers, also where they are cut", () => {
    expect(cases.length).toBeGreaterThan(15);
    for (const { maxLength, strategy, pair, ids, types } of cases) {
      const truncation = strategy === "only_first" ? "first" : "longest";
      const paths = { firstPath: "a", secondPath: "b" };
      const encoding = finish(
        tokenizer.encodePair(
          { first: pair[0], second: pair[1], ...paths },
          { maxLength, truncation },
        ),
      );
      expect(encoding.ids, `${strategy} ${maxLength} ${pair}`).toEqual(ids);
      expect(encoding.typeIds).toEqual(types);
    }
  });
});

describe("pairs that are classified", () => {
  let run: RunTexts;
  beforeAll(async () => {
    run = await createTextPairTask({
      task: "text-classification",
      labels: expected.labels,
      postprocess: {
        type: "classification",
        version: 1,
        scores: "logits",
        activation: "softmax",
      },
    });
  });

  test("have the scores of the pipeline, alone and in a list of either form", async () => {
    const { pairs } = expected;
    const one = pairs[0];
    expectScores(await run({ text: one?.text, text_pair: one?.text_pair }), one?.scores ?? []);
    const objects = pairs.map(({ text, text_pair }) => ({ text, text_pair }));
    const lists = pairs.map(({ text, text_pair }) => [text, text_pair]);
    for (const inputs of [objects, lists]) {
      const all = (await run(inputs)) as Scores[];
      for (const [at, { scores }] of pairs.entries()) expectScores(all[at], scores);
    }
  });

  test("may stand beside texts alone", async () => {
    const [alone, object] = (await run(["No one", { text: "No one" }])) as Scores[];
    expect(alone).toEqual(object);
  });

  test.each([
    [[["a", "b", "c"]], /inputs\[0\] must be a text, or two texts \[text, text\]/],
    [{ text: "a", pair: "b" }, /unknown: "pair"/],
    [{ text: 1 }, /got 1 as text/],
    [{ text: "a", text_pair: 2 }, /inputs\.text_pair must be a text; got 2/],
    [{ text_pair: "a" }, /inputs must be a text/],
  ])("of another form are refused: %j", async (inputs, message) => {
    expect((await rejectedApiError("invalid_input", run(inputs))).message).toMatch(message);
  });

  test("that are too long are refused where they may not be cut", async () => {
    const { text, text_pair } = expected.pairs[1] ?? {};
    const error = await rejectedApiError(
      "invalid_input",
      run({ text, text_pair }, { truncate: false }),
    );
    expect(error.message).toMatch(
      /^inputs\.text and inputs\.text_pair have \d+ tokens: this model reads 48 at most/,
    );
  });
});

describe("zero-shot classification by entailment", () => {
  const block = { type: "zero-shot-classification", version: 1, scores: "logits" };
  let run: RunTexts;
  beforeAll(async () => {
    run = await createTextPairTask({
      task: "zero-shot-classification",
      labels: expected.labels,
      postprocess: { ...block, entailment: "entailment", contradiction: "contradiction" },
    });
  });

  test.each(expected.zeroShot)("has the scores of the pipeline: $parameters", async (one) => {
    const { labels, scores } = one.output;
    const wanted = labels.map((label, at) => ({ label, score: scores[at] ?? 0 }));
    expectScores(await run(one.inputs, one.parameters), wanted);
  });

  test("takes several texts, and labels in one text with commas", async () => {
    const [first, , , second] = expected.zeroShot;
    const labels = String(first?.parameters.candidate_labels);
    const all = await run([first?.inputs, second?.inputs], { candidate_labels: labels });
    for (const [at, one] of [first, second].entries()) {
      const wanted = one?.output.labels.map((label, index) => ({
        label,
        score: one.output.scores[index] ?? 0,
      }));
      expectScores((all as Scores[])[at], wanted ?? []);
    }
  });

  test.each([
    [{}, /"parameters\.candidate_labels" is missing: send the labels to choose from/],
    [{ candidate_labels: ["a", "b", "a"] }, /candidate_labels" has "a" twice/],
    [{ candidate_labels: [] }, /candidate_labels/],
    [
      { candidate_labels: ["a"], hypothesis_template: "none" },
      /hypothesis_template" must have \{\} where the label goes/,
    ],
  ])("refuses parameters that name no labels: %j", async (parameters, message) => {
    expect((await rejectedApiError("invalid_request", run("x", parameters))).message).toMatch(
      message,
    );
  });

  test("refuses several labels of a model that has no contradiction", async () => {
    const choosing = await createTextPairTask({
      task: "zero-shot-classification",
      labels: expected.labels,
      postprocess: { ...block, entailment: "entailment" },
    });
    const parameters = { candidate_labels: ["a", "b"], multi_label: true };
    const error = await rejectedApiError("invalid_request", choosing("x", parameters));
    expect(error.message).toMatch(/multi_label cannot be true/);
  });
});

describe("ranking by a cross-encoder", () => {
  const { query, texts, logits } = expected.ranking;
  let run: RunTexts;
  beforeAll(async () => {
    run = await createTextPairTask({
      task: "text-ranking",
      postprocess: {
        type: "text-ranking",
        version: 1,
        scores: "relevance",
        activation: "sigmoid",
      },
    });
  });

  test("has the scores of transformers, best first", async () => {
    const order = logits.map((logit, index) => ({ logit, index }));
    order.sort((a, b) => b.logit - a.logit);
    const ranking = (await run({ query, texts }, { raw_scores: true })) as RankedTextScore[];
    expect(ranking.map(({ index }) => index)).toEqual(order.map(({ index }) => index));
    for (const [at, { logit }] of order.entries())
      expect(Math.abs((ranking[at]?.score ?? Number.NaN) - logit)).toBeLessThan(TOLERANCE);
    const best = order[0]?.logit ?? Number.NaN;
    const [first, ...others] = (await run({ query, texts }, { top_k: 1 })) as RankedTextScore[];
    expect(Math.abs((first?.score ?? 0) - 1 / (1 + Math.exp(-best)))).toBeLessThan(TOLERANCE);
    expect(others).toEqual([]);
  });

  test.each([
    ["a text", /must be \{"query": a text, "texts": \[texts\]\}.*got "a text"/],
    [{ query: "a", texts: [] }, /got an array of 0 as texts/],
    [{ query: "a", texts: ["b", 1] }, /got 1 as texts\[1\]/],
    [{ query: "a", texts: ["b"], top: 1 }, /unknown: "top"/],
  ])("refuses inputs that are no query with texts: %j", async (inputs, message) => {
    expect((await rejectedApiError("invalid_input", run(inputs))).message).toMatch(message);
  });
});
