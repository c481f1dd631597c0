import { expect, test } from "vitest";
import { toBytes } from "../../../../src/domain/tensor.ts";
import {
  cosine,
  createEmbeddingPostprocessor,
} from "../../../../src/tasks/text/embedding-postprocessor.ts";
import type { TextMetadata } from "../../../../src/tasks/text/text-metadata.ts";
import { catchApiError } from "../../../support/errors.ts";
import { readTokenizer } from "../../../support/tokenizers.ts";

const tokenizer = readTokenizer("wordpiece-cased");

/** What the preprocessor returns for a text with so many tokens. */
function metadataOf(tokens: number): TextMetadata {
  const ids = Array.from({ length: tokens }, (_, id) => id);
  const encoding = {
    ids,
    typeIds: ids,
    tokens: [],
    leading: 0,
    words: [],
    skipped: 0,
    length: tokens,
  };
  return { kind: "tokens", text: "", encoding, tokenizer };
}

function hidden(shape: readonly number[], values: readonly number[]) {
  const data = toBytes(Float32Array.from(values));
  return { name: "hidden", datatype: "FP32", shape, data } as const;
}

const base = { type: "embedding", version: 1, output: "hidden" } as const;
// Two texts of two tokens and of one; the vector of the padding must not count.
const result = hidden([2, 2, 2], [3, 0, 0, 4, 0, 5, 1000, 1000]);
const metadata = [metadataOf(2), metadataOf(1)];

test.each([
  [
    "mean",
    false,
    [
      [1.5, 2],
      [0, 5],
    ],
  ],
  [
    "mean",
    true,
    [
      [Math.fround(0.6), Math.fround(0.8)],
      [0, 1],
    ],
  ],
  [
    "cls",
    false,
    [
      [3, 0],
      [0, 5],
    ],
  ],
] as const)("%s pooling, normalised: %s", (pooling, normalize, expected) => {
  const postprocessor = createEmbeddingPostprocessor({ ...base, pooling, normalize });
  expect(postprocessor.toPredictions([result], metadata, {})).toEqual(expected);
});

test("a pooled output is not changed, unless the request normalizes it", () => {
  const postprocessor = createEmbeddingPostprocessor({
    ...base,
    pooling: "none",
    normalize: false,
  });
  const pooled = hidden([2, 2], [0, 2, 0, 0]);
  expect(postprocessor.toPredictions([pooled], metadata, {})).toEqual([
    [0, 2],
    [0, 0],
  ]);
  expect(postprocessor.toPredictions([pooled], metadata, { normalize: true })).toEqual([
    [0, 1],
    [0, 0],
  ]);
});

test("the result of a comparison is the cosine similarity of each sentence to the first", () => {
  const postprocessor = createEmbeddingPostprocessor({
    ...base,
    pooling: "none",
    normalize: false,
  });
  expect(
    postprocessor.assemble?.(
      [
        [1, 0],
        [2, 0],
        [0, 3],
        [-1, 0],
        [1, 1],
      ],
      "comparison",
      {},
    ),
  ).toEqual([1, 0, -1, 1 / Math.sqrt(2)]);
  expect(cosine([0, 0], [1, 1])).toBe(0);
});

test("infinity in the output is an error of the inference", () => {
  const postprocessor = createEmbeddingPostprocessor({ ...base, pooling: "mean", normalize: true });
  const broken = hidden([1, 1, 1], [Number.POSITIVE_INFINITY]);
  expect(() => postprocessor.toPredictions([broken], [metadataOf(1)], {})).toThrow(
    /NaN or infinity/,
  );
});

test("an output of another rank is an error of the model's task", () => {
  const postprocessor = createEmbeddingPostprocessor({ ...base, pooling: "mean", normalize: true });
  const error = catchApiError("task_not_supported", () =>
    postprocessor.toPredictions([hidden([1, 2], [1, 2])], [metadataOf(1)], {}),
  );
  expect(error.message).toMatch(/"hidden" is FP32 \[1, 2\].*\[batch, tokens, dimensions\]/);
});
