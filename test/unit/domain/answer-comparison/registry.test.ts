import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Answer,
  type Comparison,
  MEASURES,
} from "../../../../src/domain/answer-comparison/comparison.ts";
import { COMPARISONS, compareAnswers } from "../../../../src/domain/answer-comparison/registry.ts";
import { TASK_KINDS, type TaskKind } from "../../../../src/domain/task-kinds.ts";
import type { Tensor } from "../../../../src/domain/tensor.ts";
import { toBytes } from "../../../../src/domain/tensor.ts";
import { fromRawJson } from "../../../../src/shared/json-number.ts";

/**
 * Expected values are those of other implementations: NumPy 2.4.6 and scikit-learn 1.9.1 (scores, distances, regressions), SciPy 1.17.1
 * (cosine distances, assignment of boxes), Shapely 2.2.0 (overlaps), seqeval 1.2.2 (entities), RapidFuzz 3.14.6 (edit distances).
 */

const value = (answer: unknown): Answer => ({ kind: "value", value: answer });

function compare(task: TaskKind, first: unknown, second: unknown): Comparison {
  const comparison = compareAnswers(task, value(first), value(second));
  const { detail, ...reversed } = compareAnswers(task, value(second), value(first));
  expect(comparison).toMatchObject(reversed);
  return comparison;
}

const scores = (values: readonly number[]) =>
  values
    .map((score, index) => ({ label: ["setosa", "versicolor", "virginica"][index], score }))
    .sort((a, b) => b.score - a.score);
const centres = (values: readonly number[]) =>
  values
    .map((distance, index) => ({ label: String(index), distance }))
    .sort((a, b) => a.distance - b.distance);

describe("classifications", () => {
  // Logistic regressions of iris with C = 1 and C = 0.01, rows 0, 70 and 77.
  const strong = [
    [0.981557, 0.018443, 0],
    [0.002307, 0.440216, 0.557477],
    [0.000578, 0.481149, 0.518273],
  ].map(scores);
  const weak = [
    [0.717668, 0.213794, 0.068538],
    [0.145751, 0.400271, 0.453978],
    [0.111975, 0.389028, 0.498998],
  ].map(scores);

  test("are the same when the best labels are, however far the scores", () => {
    const comparison = compare("tabular-classification", strong[0], weak[0]);
    expect(comparison).toMatchObject({ same: true, measure: "score_difference" });
    expect(comparison.distance).toBeCloseTo(0.263889, 9);
  });

  test("of lists have the largest difference of an item", () => {
    const comparison = compare("tabular-classification", strong, weak);
    expect(comparison).toMatchObject({ same: true, detail: { items: 3, differing: 0 } });
    expect(comparison.distance).toBeCloseTo(0.263889, 9);
  });

  test("with another best label differ", () => {
    expect(
      compare("image-classification", strong, [strong[0], strong[1], strong[0]]),
    ).toMatchObject({ same: false, detail: { items: 3, differing: 1 } });
  });

  test("that were cut count a label that one lacks with its score", () => {
    const [first, second] = [[{ label: "a", score: 0.6 }], [{ label: "b", score: 0.55 }]];
    expect(compare("text-classification", first, second)).toEqual({
      same: false,
      measure: "score_difference",
      distance: 0.6,
    });
  });
});

test("clusterings are the same when the nearest clusters are", () => {
  // K-means of iris after its first iteration and after its last one, rows 0 and 50.
  const whole = [
    [3.412511, 0.141351, 5.031328],
    [1.24709, 3.9805, 1.222714],
  ].map(centres);
  const begun = [
    [3.168856, 0.141351, 4.728098],
    [1.41158, 3.9805, 1.048765],
  ].map(centres);
  const comparison = compare("clustering", whole, begun);
  expect(comparison).toMatchObject({ same: true, measure: "centre_difference" });
  expect(comparison.distance).toBeCloseTo(0.30323, 9);
  expect(compare("clustering", whole[0], whole[1])).toMatchObject({ same: false });
});

describe("regressions", () => {
  // Linear regression and ridge regression of scikit-learn's diabetes data.
  const linear = [206.11667724510565, 68.0710329730687, 176.88279035105302, 166.9144584322288];
  const ridge = [205.8072130641064, 68.34747826342371, 176.57580124351898, 166.49464398629178];

  test("are the same within a hundredth", () => {
    const comparison = compare("tabular-regression", linear, ridge);
    expect(comparison).toMatchObject({ same: true, measure: "absolute_difference" });
    expect(comparison.distance).toBeCloseTo(0.4198144459370212, 12);
    expect(comparison.detail?.relative).toBeCloseTo(0.004044703584959533, 12);
  });

  test("with one value beyond a hundredth differ", () => {
    expect(compare("tabular-regression", [100, 100], [100, 101.1])).toMatchObject({ same: false });
    expect(compare("tabular-regression", [100, 100], [100, 100.9])).toMatchObject({ same: true });
    expect(compare("tabular-regression", [0], [5e-7])).toMatchObject({ same: true });
    expect(compare("tabular-regression", [0], [5e-6])).toMatchObject({ same: false });
  });

  test("with long integers are compared by their numbers", () => {
    const [long, other] = ["9007199254740993", "9999999999999999"].map(fromRawJson);
    expect(compare("tabular-regression", [long, 1], [long, 1])).toMatchObject({
      same: true,
      measure: "absolute_difference",
    });
    expect(compare("tabular-regression", [long], [other])).toMatchObject({
      same: false,
      distance: 1e16 - 9007199254740992,
    });
  });

  test("of several steps and targets compare the values at the same places", () => {
    const forecast = [
      [
        [1, 2],
        [3, 4],
      ],
    ];
    expect(
      compare("tabular-regression", forecast, [
        [
          [1, 2],
          [3, 4.5],
        ],
      ]),
    ).toMatchObject({
      same: false,
      distance: 0.5,
    });
    expect(compare("tabular-regression", forecast, [[[1, 2, 3, 4]]])).toMatchObject({
      same: false,
      measure: "structure",
      distance: 1,
    });
  });
});

describe("embeddings", () => {
  const one = [0.1, 0.2, -0.3, 0.4];
  const other = [0.12, 0.18, -0.33, 0.41];

  test("are compared by their cosine distance", () => {
    const near = compare("feature-extraction", one, other);
    expect(near).toMatchObject({ same: true, measure: "cosine_distance" });
    expect(near.distance).toBeCloseTo(0.0021590117447118917, 12);
    const far = compare("sentence-similarity", [[1, 2, 3]], [[-3, 1, 0.5]]);
    expect(far).toMatchObject({ same: false });
    expect(far.distance).toBeCloseTo(0.9582608064435159, 12);
  });

  test("without a direction are the same, and differ from all others", () => {
    expect(compare("feature-extraction", [0, 0], [0, 0])).toMatchObject({
      same: true,
      distance: 0,
    });
    expect(compare("feature-extraction", [0, 0], [1, 0])).toMatchObject({
      same: false,
      distance: 1,
    });
  });

  test("of any magnitude have a finite distance", () => {
    const comparison = compare("feature-extraction", [1e300, 1e300], [1e-300, 1e-300]);
    expect(comparison.distance).toBeCloseTo(0, 12);
    expect(compare("feature-extraction", [1, 2], [1, 2, 3])).toMatchObject({
      measure: "structure",
    });
  });

  test("cosines of a comparison of sentences are numbers and no vector", () => {
    const cosines = (...values: number[]): Answer => ({
      kind: "value",
      value: values,
      form: "comparison",
    });
    expect(
      compareAnswers("sentence-similarity", cosines(0.9, 0.1), cosines(0.895, 0.109)),
    ).toMatchObject({ same: true, measure: "absolute_difference" });
    expect(
      compareAnswers("sentence-similarity", cosines(0.9, 0.1), cosines(0.8, 0.1)),
    ).toMatchObject({ same: false, distance: expect.closeTo(0.1, 12) });
  });
});

describe("detected objects", () => {
  const found = (label: string, [xmin = 0, ymin = 0, xmax = 0, ymax = 0]: number[]) => ({
    label,
    score: 0.9,
    box: { xmin, ymin, xmax, ymax },
  });
  const first = [
    found("face", [10, 10, 50, 60]),
    found("face", [100, 100, 140, 150]),
    found("dog", [0, 0, 30, 30]),
  ];
  const second = [
    found("face", [12, 11, 52, 59]),
    found("face", [101, 130, 141, 180]),
    found("cat", [0, 0, 30, 30]),
    found("dog", [1, 1, 29, 31]),
  ];

  test("match where their boxes overlap by half", () => {
    const comparison = compare("object-detection", first, second);
    expect(comparison).toMatchObject({
      same: false,
      measure: "box_mismatch",
      distance: 1 - 4 / 7,
      detail: { matched: 2, unmatched: 3 },
    });
    expect(comparison.detail?.meanIou).toBeCloseTo(0.8726145038167938, 12);
  });

  test("are the same when all match, in any order", () => {
    expect(compare("object-detection", first, first.toReversed())).toMatchObject({
      same: true,
      distance: 0,
    });
    expect(compare("object-detection", [], [])).toMatchObject({ same: true, distance: 0 });
    expect(compare("object-detection", [], first)).toMatchObject({ same: false, distance: 1 });
  });

  test("without an area match where they are equal", () => {
    const point = [found("dot", [5, 5, 5, 5])];
    expect(compare("object-detection", point, point)).toMatchObject({ same: true });
    expect(compare("object-detection", point, [found("dot", [6, 6, 6, 6])])).toMatchObject({
      same: false,
    });
  });
});

describe("segments", () => {
  const segment = (label: string, score?: number) => ({
    label,
    mask: "iVBORw0KGgo=",
    ...(score !== undefined && { score }),
  });

  test("are the same with the same labels and about the same scores, in any order", () => {
    const first = [segment("sky", 0.9), segment("road", 0.8)];
    const comparison = compare("image-segmentation", first, [
      segment("road", 0.83),
      segment("sky", 0.9),
    ]);
    expect(comparison).toMatchObject({ same: true, measure: "score_difference" });
    expect(comparison.distance).toBeCloseTo(0.03, 12);
    expect(compare("image-segmentation", first, [segment("sky", 0.9)])).toMatchObject({
      same: false,
      distance: 0.8,
    });
    expect(
      compare("image-segmentation", first, [segment("sky", 0.9), segment("road", 0.7)]),
    ).toMatchObject({
      same: false,
    });
  });

  test("without scores are compared by their labels", () => {
    const both = [segment("sky"), segment("road")];
    expect(compare("image-segmentation", both, both)).toMatchObject({ same: true, distance: 0 });
    expect(compare("image-segmentation", both, [segment("sky")])).toMatchObject({
      same: false,
      distance: 1,
    });
  });
});

test("entities are the same when label, start and end are", () => {
  const entity = (entity_group: string, start: number, end: number, score = 0.9) => ({
    entity_group,
    start,
    end,
    score,
    word: "x",
  });
  const first = [entity("PER", 0, 9), entity("LOC", 13, 19), entity("ORG", 25, 29)];
  const second = [entity("PER", 0, 9, 0.7), entity("ORG", 13, 19), entity("ORG", 25, 34)];
  const comparison = compare("token-classification", first, second);
  expect(comparison).toMatchObject({ same: false, measure: "entity_mismatch" });
  expect(comparison.distance).toBeCloseTo(1 - 0.3333333333333333, 12);
  expect(compare("token-classification", first, structuredClone(first))).toMatchObject({
    same: true,
  });
  expect(compare("token-classification", [[], first], [first, first])).toMatchObject({
    same: false,
    distance: 1,
    detail: { items: 2, differing: 1 },
  });
  expect(compare("token-classification", [first[0], first[0]], [first[0]])).toMatchObject({
    same: false,
    distance: 1 - 2 / 3,
  });
});

describe("texts", () => {
  const fox = "the quick brown fox jumps over the lazy dog";
  const other = "the quick red fox jumped over a lazy dog today";
  const withTokens = (generated_text: string, ids: readonly number[]) => [
    { generated_text, details: { tokens: ids.map((id) => ({ id, text: "", special: false })) } },
  ];
  const tokens = [12, 7, 99, 4, 4, 18, 3];
  const otherTokens = [12, 7, 98, 4, 18, 3, 5, 6];

  test.each<[TaskKind, (text: string) => unknown]>([
    ["text-generation", (generated_text) => [{ generated_text }]],
    ["text2text-generation", (generated_text) => [{ generated_text }]],
    ["summarization", (summary_text) => [{ summary_text }]],
    ["translation", (translation_text) => [{ translation_text }]],
    ["automatic-speech-recognition", (text) => ({ text })],
    ["automatic-speech-recognition", (text) => [{ text }]],
  ])("of %s are compared word by word", (task, toAnswer) => {
    expect(compare(task, toAnswer(fox), toAnswer(other))).toEqual({
      same: false,
      measure: "edit_distance",
      distance: 0.4,
      detail: { leading: 2, edits: 4, longer: 10 },
    });
    expect(compare(task, toAnswer(fox), toAnswer(`  ${fox}\n`))).toMatchObject({ same: true });
  });

  test("are compared token by token where both have them", () => {
    const comparison = compare(
      "text-generation",
      withTokens("a", tokens),
      withTokens("a", otherTokens),
    );
    expect(comparison).toEqual({
      same: false,
      measure: "edit_distance",
      distance: 0.5,
      detail: { leading: 2, edits: 4, longer: 8 },
    });
    expect(
      compare("text-generation", withTokens("a b", tokens), [{ generated_text: "a b" }]),
    ).toMatchObject({ same: true });
  });

  test("are compared without the prompt that both begin with", () => {
    const [first, second] = [[{ generated_text: `${fox} a` }], [{ generated_text: `${fox} b` }]];
    const comparison = compareAnswers("text-generation", value(first), value(second), {
      prompt: fox,
    });
    expect(comparison).toMatchObject({ distance: 1, detail: { leading: 0, edits: 1, longer: 1 } });
  });

  test("in parts are compared by the tokens or the words of all parts", () => {
    const parts = (ids: readonly number[]): Answer => ({
      kind: "parts",
      parts: ids.map((id, at) => ({
        index: at + 1,
        token: { id, text: "x" },
        generated_text: null,
      })),
    });
    expect(compareAnswers("text-generation", parts(tokens), parts(otherTokens))).toMatchObject({
      same: false,
      distance: 0.5,
    });
    const spoken = (...texts: string[]): Answer => ({
      kind: "parts",
      parts: texts.map((text, index) => ({ index, text, result: null })),
    });
    expect(
      compareAnswers(
        "automatic-speech-recognition",
        spoken("the quick brown fox", " jumps over the lazy dog"),
        spoken("the quick red fox jumped over", " a lazy dog today", ""),
      ),
    ).toMatchObject({ same: false, distance: 0.4 });
    expect(compareAnswers("text-generation", parts([]), parts([]))).toMatchObject({ same: true });
    expect(compareAnswers("text-generation", parts([]), parts([1]))).toMatchObject({
      same: false,
      distance: 1,
    });
  });
});

test("voice activity is the same when segments begin and end within a tenth of a second", () => {
  const speech = (...segments: [start: number, end: number][]) => ({
    speech: segments.map(([start, end]) => ({ start, end })),
    probabilities: [],
  });
  const first = speech([0.5, 1.7], [2, 3.1], [5, 6]);
  const far = compare("voice-activity-detection", first, speech([0.55, 1.65], [2, 3.9]));
  expect(far).toMatchObject({ same: false, measure: "speech_mismatch" });
  expect(far.distance).toBeCloseTo(0.4634146341463413, 12);
  const near = compare(
    "voice-activity-detection",
    [first],
    [speech([0.55, 1.65], [2.05, 3.05], [5.02, 6.09])],
  );
  expect(near).toMatchObject({ same: true });
  expect(near.distance).toBeCloseTo(0.09144542772861342, 12);
  expect(compare("voice-activity-detection", speech(), speech())).toMatchObject({
    same: true,
    distance: 0,
  });
  expect(compare("voice-activity-detection", speech(), first)).toMatchObject({
    same: false,
    distance: 1,
  });
});

describe("outputs of runs", () => {
  const floats = (name: string, shape: readonly number[], values: readonly number[]): Tensor => ({
    name,
    datatype: "FP32",
    shape,
    data: toBytes(Float32Array.from(values)),
  });
  const integers = (values: readonly bigint[]): Tensor => ({
    name: "label",
    datatype: "INT64",
    shape: [values.length],
    data: toBytes(BigInt64Array.from(values)),
  });
  const tensors = (...all: Tensor[]): Answer => ({ kind: "tensors", tensors: all });

  test.each<[string, TaskKind | undefined, number[], number[], boolean]>([
    [
      "scores with the same largest one",
      "tabular-classification",
      [0.1, 0.7, 0.2],
      [0.3, 0.4, 0.3],
      true,
    ],
    [
      "scores with another largest one",
      "tabular-classification",
      [0.1, 0.7, 0.2],
      [0.5, 0.3, 0.2],
      false,
    ],
    [
      "outputs of no task with the same largest one",
      undefined,
      [0.1, 0.7, 0.2],
      [0.3, 0.4, 0.3],
      true,
    ],
    ["distances with the same smallest one", "clustering", [1, 2, 3], [1, 9, 3], true],
    ["distances with another smallest one", "clustering", [1, 2, 3], [5, 4, 9], false],
    ["vectors beyond a hundredth", "feature-extraction", [1, 2, 3], [1, 2, 3.1], false],
    ["vectors within a hundredth", "feature-extraction", [1, 2, 3], [1, 2, 3.02], true],
  ])("%s", (_name, task, a, b, same) => {
    const comparison = compareAnswers(
      task,
      tensors(floats("output", [1, 3], a)),
      tensors(floats("output", [1, 3], b)),
    );
    expect(comparison).toMatchObject({ same, measure: "absolute_difference" });
    const differences = a.map((each, at) => Math.abs(each - (b[at] ?? 0)));
    expect(comparison.distance).toBeCloseTo(Math.max(...differences), 6);
  });

  test("with one number in a row are the same within a hundredth", () => {
    const single = (each: number) => tensors(floats("output", [2, 1], [each, 5]));
    expect(compareAnswers(undefined, single(1), single(1.005))).toMatchObject({ same: true });
    expect(compareAnswers(undefined, single(1), single(1.05))).toMatchObject({ same: false });
  });

  test("of integers are the same when they are equal, also beyond what doubles tell", () => {
    const large = 2n ** 60n;
    expect(
      compareAnswers(undefined, tensors(integers([large])), tensors(integers([large]))),
    ).toMatchObject({ same: true, distance: 0 });
    expect(
      compareAnswers(undefined, tensors(integers([large])), tensors(integers([large + 1n]))),
    ).toMatchObject({ same: false });
  });

  test("are compared by name", () => {
    const [a, b] = [floats("a", [1, 2], [1, 2]), floats("b", [1, 2], [3, 1])];
    expect(compareAnswers(undefined, tensors(a, b), tensors(b, a))).toMatchObject({
      same: true,
      distance: 0,
      detail: { items: 2, differing: 0 },
    });
  });

  test.each<[string, Tensor[]]>([
    ["another shape", [floats("output", [2, 1], [1, 2])]],
    [
      "another datatype",
      [{ name: "output", datatype: "INT32", shape: [1, 2], data: new Uint8Array(8) }],
    ],
    ["another name", [floats("scores", [1, 2], [1, 2])]],
    ["no output", []],
    ["strings", [{ name: "output", datatype: "BYTES", shape: [1, 2], data: ["1", "2"] }]],
  ])("of %s differ in structure", (_name, other) => {
    const first = tensors(floats("output", [1, 2], [1, 2]));
    for (const [a, b] of [
      [first, tensors(...other)],
      [tensors(...other), first],
    ] as const)
      expect(compareAnswers(undefined, a, b)).toMatchObject({ same: false, measure: "structure" });
  });

  test("that are not finite in one place alone differ", () => {
    const one = tensors(floats("output", [1, 3], [Number.NaN, 1, Number.POSITIVE_INFINITY]));
    const other = tensors(floats("output", [1, 3], [0, 1, Number.NEGATIVE_INFINITY]));
    expect(compareAnswers(undefined, one, other)).toMatchObject({
      same: false,
      measure: "non_finite",
      distance: 2,
    });
    expect(compareAnswers(undefined, one, one)).toMatchObject({ same: true, distance: 0 });
  });
});

describe("errors", () => {
  const error = (code: string): Answer => ({ kind: "error", code });
  test("are the same when their codes are, and never the same as an answer", () => {
    const same = compareAnswers(undefined, error("invalid_input"), error("invalid_input"));
    expect(same).toEqual({ same: true, measure: "error", distance: 0 });
    for (const other of [
      error("internal"),
      value([1]),
      { kind: "tensors", tensors: [] } as const,
    ]) {
      const comparison = { same: false, measure: "error", distance: 1 };
      expect(compareAnswers("tabular-regression", error("invalid_input"), other)).toEqual(
        comparison,
      );
      expect(compareAnswers("tabular-regression", other, error("invalid_input"))).toEqual(
        comparison,
      );
    }
  });
});

test("every task has a comparison", () => {
  expect(Object.keys(COMPARISONS).toSorted()).toEqual(TASK_KINDS.toSorted());
});

describe("any two answers of any task", () => {
  /** Parts of answers, well formed and not. */
  const number = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }));
  const label = fc.constantFrom("a", "b", "c");
  const item = fc.oneof(
    number,
    fc.record({ label, score: number }),
    fc.record({ label, distance: number }),
    fc.record({
      label,
      score: number,
      box: fc.record({ xmin: number, ymin: number, xmax: number, ymax: number }),
    }),
    fc.record({ entity_group: label, start: fc.nat(5), end: fc.nat(5) }),
    fc.record({ generated_text: fc.constantFrom("a b c", "a c", "b", "") }),
    fc.record({ text: fc.constantFrom("a b c", "a c", "") }),
    fc.record({ speech: fc.array(fc.record({ start: number, end: number }), { maxLength: 3 }) }),
    fc.constantFrom(null, "text", true),
  );
  const list = fc.array(item, { maxLength: 4 });
  const answer = fc.oneof(item, list, fc.array(list, { maxLength: 3 }));
  const task = fc.constantFrom(...TASK_KINDS, undefined);
  const form = fc.constantFrom("one" as const, "list" as const, "comparison" as const, undefined);

  test("are compared in both orders alike, by a finite distance", () => {
    fc.assert(
      fc.property(task, form, answer, answer, (kind, ofForm, first, second) => {
        const [a, b] = [first, second].map((each) => ({ ...value(each), form: ofForm }));
        if (!a || !b) throw new Error("two answers are compared");
        const comparison = compareAnswers(kind, a as Answer, b as Answer);
        expect(compareAnswers(kind, b as Answer, a as Answer)).toEqual(comparison);
        expect(comparison.distance).toBeGreaterThanOrEqual(0);
        expect(comparison.distance).toBeLessThan(Number.POSITIVE_INFINITY);
        expect(Object.keys(MEASURES)).toContain(comparison.measure);
        for (const each of Object.values(comparison.detail ?? {}))
          expect(Number.isFinite(each)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("that are identical are the same, at the distance 0", () => {
    fc.assert(
      fc.property(task, form, answer, (kind, ofForm, each) => {
        const [a, b] = [each, structuredClone(each)].map(
          (one) => ({ kind: "value", value: one, form: ofForm }) as const,
        );
        if (!a || !b) throw new Error("two answers are compared");
        expect(compareAnswers(kind, a, b)).toMatchObject({ same: true, distance: 0 });
      }),
      { numRuns: 2000 },
    );
  });
});
