import { expect, test } from "vitest";
import type { RankedTextScore } from "../../../../src/domain/blocks/ranking-fields.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import {
  createTextPairTask,
  readTextPairs,
  textPairManifest,
} from "../../../support/text-pair-task.ts";

/** Texts by the similarity of their vectors to that of a query; the values are PyTorch's. */

const TOLERANCE = 1e-4;
const { ranking, similarities } = readTextPairs();
const { query, texts } = ranking;
const embedding = {
  type: "embedding",
  version: 1,
  output: "last_hidden_state",
  pooling: "mean",
  normalize: false,
};

function create(postprocess: object = {}, preprocess: object = {}) {
  return createTextPairTask({
    task: "text-ranking",
    postprocess: { ...embedding, ...postprocess },
    preprocess: { ...textPairManifest({}).preprocess, ...preprocess },
  });
}

test.each([
  ["cosine", {}, similarities.cosine],
  ["max_sim", { similarity: "max_sim" }, similarities.maxSim],
])("texts are ranked by %s", async (_, parameters, scores) => {
  const run = await create();
  const wanted = scores.map((score, index) => ({ score, index }));
  wanted.sort((a, b) => b.score - a.score);
  const found = (await run({ query, texts }, parameters)) as RankedTextScore[];
  expect(found.map(({ index }) => index)).toEqual(wanted.map(({ index }) => index));
  for (const [at, { score }] of wanted.entries())
    expect(Math.abs((found[at]?.score ?? Number.NaN) - score)).toBeLessThan(TOLERANCE);
  expect(await run({ query, texts }, { ...parameters, top_k: 2 })).toEqual(found.slice(0, 2));
});

test("a vector is shortened to a size that the manifest lists, and then scaled to length 1", async () => {
  const run = await create({ dimensions: [8] });
  const whole = (await run("No one")) as number[];
  const short = (await run("No one", { dimensions: 8, normalize: true })) as number[];
  const length = Math.hypot(...whole.slice(0, 8));
  expect(short).toHaveLength(8);
  for (const [at, value] of short.entries())
    expect(value).toBeCloseTo((whole[at] ?? Number.NaN) / length, 6);
  expect(await run("No one", { dimensions: 32 })).toEqual(whole);
  const error = await rejectedApiError("invalid_request", run("No one", { dimensions: 9 }));
  expect(error.message).toMatch(/dimensions cannot be 9: .* can have 8, 32 dimensions/);
});

test("token by token needs vectors of tokens, and no shortened ones", async () => {
  const run = await create({ dimensions: [8] });
  const parameters = { similarity: "max_sim", dimensions: 8 };
  const error = await rejectedApiError("invalid_request", run({ query, texts }, parameters));
  expect(error.message).toMatch(/max_sim with dimensions/);
});

test("a prompt precedes texts: the one that is named, or that of a query and of a text", async () => {
  const prompts = { query: "Who? ", passage: "All: " };
  const run = await create({}, { prompts, defaultPrompt: "passage" });
  const plain = await create();
  expect(await run("law", { prompt_name: "query" })).toEqual(await plain("Who? law"));
  expect(await run("law")).toEqual(await plain("All: law"));
  const [first] = texts;
  expect(await run({ query: "law", texts: [first] })).toEqual(
    await plain({ query: "Who? law", texts: [`All: ${first}`] }),
  );
  const error = await rejectedApiError("invalid_request", run("law", { prompt_name: "title" }));
  expect(error.message).toMatch(
    /prompt_name cannot be "title": its prompts are "query", "passage"/,
  );
});
