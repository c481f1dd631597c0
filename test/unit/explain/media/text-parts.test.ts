import { beforeAll, describe, expect, test } from "vitest";
import { expectedParts, explain, furthest } from "../../../support/explained-parts.ts";
import { findModel } from "../../../support/publish.ts";
import { type ServedVersion, servedVersion } from "../../../support/served-version.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Explanations of texts against the same models in ONNX Runtime, as recipes/explained_parts_fixtures.py computed them. */

let spam: ServedVersion;
let embeddings: ServedVersion;
let languages: ServedVersion;
beforeAll(() => {
  stubWorkersGlobals();
  spam = servedVersion(findModel("spam-detection"));
  embeddings = servedVersion(findModel("sentence-embeddings"));
  languages = servedVersion(findModel("language-identification"));
});

/** Int8 kernels of two machines round differently. */
const TOLERANCE = 1e-3;

describe("a text that is classified", () => {
  test.each(["spam", "ham"] as const)("has the occluded words of Python: %s", async (name) => {
    const { text, label, probability, margin } = expectedParts.spam[name];
    const answer = await explain(spam, "occlusion", text);
    expect(answer).toMatchObject({
      method: "occlusion",
      exact: true,
      space: "probability",
      output_names: [label],
      feature_names: text.split(" "),
      std_error: null,
      seed: null,
      text,
    });
    expect(furthest(answer.values, probability.values)).toBeLessThan(TOLERANCE);
    expect(answer.output).toBeCloseTo(probability.output, 4);
    expect(answer.base_value).toBeCloseTo(probability.base_value, 4);
    expect(answer.runs).toBe(answer.planned);
    const inMargin = await explain(spam, "occlusion", text, {}, { space: "margin" });
    expect(furthest(inMargin.values, margin.values)).toBeLessThan(TOLERANCE);
  });

  test("has the occluded tokens of Python, with their places", async () => {
    const { text, tokens, token_texts } = expectedParts.spam.spam;
    const answer = await explain(spam, "occlusion", text, { unit: "token" }, { space: "margin" });
    expect(answer.spans.map((span) => span.text)).toEqual(token_texts);
    expect(furthest(answer.values, tokens.values)).toBeLessThan(TOLERANCE);
    for (const { start, end, text: part } of answer.spans)
      expect([...text].slice(start, end).join("")).toBe(part);
  });

  test("has the Shapley values of shap over its words", async () => {
    const { text, shapley = [] } = expectedParts.spam.spam;
    for (const method of ["shapley", "exact"]) {
      const answer = await explain(spam, method, text, {}, { space: "margin" });
      expect(answer).toMatchObject({ method, exact: true, runs: 256 });
      expect(furthest(answer.values, shapley)).toBeLessThan(TOLERANCE);
      expect(answer.additivity_error).toBeLessThan(1e-9);
    }
  });

  test.each(["kernel", "permutation"])(
    "has them by %s within three standard errors",
    async (method) => {
      const { text, shapley = [] } = expectedParts.spam.spam;
      const changes = { space: "margin", maxRuns: 500 } as const;
      const answer = await explain(spam, method, text, {}, changes);
      expect(answer).toMatchObject({ method, exact: false, seed: 0 });
      for (const [at, value] of shapley.entries()) {
        const error = 3 * (answer.std_error?.[at] ?? 0) + TOLERANCE;
        expect(Math.abs((answer.values[at] ?? Number.NaN) - value)).toBeLessThan(error);
      }
    },
  );

  test("is explained by LIME with the largest value at the word that counts most", async () => {
    const { text, shapley = [] } = expectedParts.spam.spam;
    const { values } = await explain(spam, "lime", text, {}, { space: "margin", maxRuns: 200 });
    expect(values.indexOf(Math.max(...values))).toBe(shapley.indexOf(Math.max(...shapley)));
  });

  test("counts code points, and words of scripts without spaces", async () => {
    const answer = await explain(languages, "occlusion", "😀😀 日本語を話します。");
    expect(answer.output_names).toEqual(["jpn"]);
    expect(answer.spans.map(({ start, end, text }) => [start, end, text])).toEqual([
      [0, 2, "😀😀"],
      [3, 6, "日本語"],
      [6, 7, "を"],
      [7, 8, "話"],
      [8, 9, "し"],
      [9, 12, "ます。"],
    ]);
  });

  test("has a label for each output when all are asked for", async () => {
    const answer = await explain(spam, "occlusion", "Hello there", {}, { output: "all" });
    expect(answer.output_names).toEqual(["ham", "spam"]);
    expect(answer.values).toHaveLength(2);
    const [first] = answer.values as unknown as number[][];
    expect((first?.[0] ?? 0) + (first?.[1] ?? 0)).toBeCloseTo(0, 12);
  });
});

describe("sentences that are compared", () => {
  const { source_sentence, sentences, mask, remove, itself } = expectedParts.embeddings;
  const inputs = { source_sentence, sentences };

  test("are near by the words of Python, masked or removed", async () => {
    const masked = await explain(embeddings, "occlusion", inputs);
    expect(masked).toMatchObject({ space: "output", output_names: [sentences[1]] });
    expect(furthest(masked.values, mask[1]?.values ?? [])).toBeLessThan(0.02);
    expect(masked.output).toBeCloseTo(mask[1]?.output ?? 0, 2);
    const removed = await explain(
      embeddings,
      "occlusion",
      inputs,
      { removal: "remove" },
      { output: 0 },
    );
    expect(removed.output_names).toEqual([sentences[0]]);
    expect(furthest(removed.values, remove[0]?.values ?? [])).toBeLessThan(0.02);
  });

  test("are one sentence that is compared with itself", async () => {
    const answer = await explain(embeddings, "occlusion", source_sentence);
    expect(answer.output).toBeCloseTo(1, 6);
    expect(furthest(answer.values, itself.values)).toBeLessThan(0.02);
  });
});

describe("a text that cannot be explained as asked", () => {
  test.each([
    [
      "spam-detection",
      "Hello",
      { removal: "mask" },
      "removal cannot be mask, because its tokenizer has no mask token. Send remove instead.",
    ],
    [
      "language-identification",
      "Guten Tag",
      { unit: "token" },
      "unit cannot be token, because the model reads no tokens. Send word instead.",
    ],
    ["spam-detection", "   ", {}, "The input has no words that could be explained."],
    [
      "language-identification",
      "ja ".repeat(1025),
      {},
      "The input has 1025 words: at most 1024 are explained. Send a part of it.",
    ],
    [
      "spam-detection",
      "Hello",
      { grid: [2, 2] },
      '"parameters.grid" has no effect on model "spam-detection" version 1, which takes unit, removal.',
    ],
  ])("%s", async (name, inputs, parameters, message) => {
    const version = name === "spam-detection" ? spam : languages;
    await expect(explain(version, "occlusion", inputs, parameters)).rejects.toThrow(message);
  });

  test("says how many runs the enumeration of many words needs", async () => {
    const { text } = expectedParts.spam.ham;
    await expect(explain(spam, "exact", text)).rejects.toMatchObject({ code: "invalid_request" });
    await expect(explain(spam, "occlusion", text, {}, { maxRuns: 5 })).rejects.toThrow(
      /needs 18 runs .* at least/,
    );
  });

  test.each(["occlusion", "shapley", "exact", "kernel", "permutation", "lime"])(
    "not even where it has one word: %s",
    async (method) => {
      const answer = await explain(spam, method, "Hello", {}, { maxRuns: 100 });
      expect(answer.values).toHaveLength(1);
      const [value = Number.NaN] = answer.values;
      expect(value).toBeCloseTo(answer.output - answer.base_value, method === "lime" ? 1 : 9);
    },
  );
});
