import { describe, expect, test } from "vitest";
import type {
  Aggregation,
  TokenClassificationBlock,
} from "../../../../src/domain/blocks/postprocess/token-classification.ts";
import type { NumericTensor } from "../../../../src/domain/tensor.ts";
import { toBytes, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createTokenClassificationPostprocessor } from "../../../../src/tasks/text/token-classification-postprocessor.ts";
import { createTokenizerPreprocessor } from "../../../../src/tasks/text/tokenizer-preprocessor.ts";
import { preprocess } from "../../../support/preprocess.ts";
import { readTokenizerFixture, readTokenizerJson } from "../../../support/tokenizers.ts";

interface EntityFixture {
  labels: string[];
  texts: string[];
  cases: { tokenizer: string; aggregation: Aggregation; predictions: { score: number }[][] }[];
}

const { labels, texts, cases } = readTokenizerFixture<EntityFixture>("entities.json");
const block: TokenClassificationBlock = {
  type: "token-classification",
  version: 1,
  scores: "scores",
  aggregation: "none",
  ignoreLabels: ["O"],
};

/** The table of recipes/entity_fixtures.py. */
function score(token: number, label: number): number {
  return ((token * 311 + label * 477 + (token % 7) * label * 59) % 1009) / 256;
}

function encode(tokenizer: string, inputs: readonly string[]) {
  const preprocessor = createTokenizerPreprocessor(
    {
      type: "tokenizer",
      version: 1,
      tokenizer: "tokenizer.json",
      inputs: { ids: "ids" },
      maxLength: 512,
      truncation: "end",
      padding: "longest",
    },
    (name) => ({ name, datatype: "INT64", shape: ["batch", "tokens"] }),
    readTokenizerJson(tokenizer),
    { spans: true },
  );
  const { tensors, metadata } = preprocess(preprocessor, inputs);
  const ids = Array.from(toTypedArray(tensors[0] as NumericTensor), Number);
  const scores = Float32Array.from(ids.flatMap((id) => labels.map((_, label) => score(id, label))));
  const shape = [...(tensors[0]?.shape ?? []), labels.length];
  return {
    metadata,
    scores: { name: "scores", datatype: "FP32", shape, data: toBytes(scores) } as const,
  };
}

describe.each(cases)("$tokenizer, $aggregation", ({ tokenizer, aggregation, predictions }) => {
  const { metadata, scores } = encode(tokenizer, texts);

  test("finds the entities of transformers", async () => {
    const postprocessor = createTokenClassificationPostprocessor({ ...block, aggregation }, labels);
    const decoded = (await postprocessor.toPredictions([scores], metadata, {})) as {
      score: number;
    }[][];
    const rounded = (entities: { score: number }[]) =>
      entities.map((entity) => ({ ...entity, score: Number(entity.score.toFixed(5)) }));
    expect(decoded.map(rounded)).toEqual(predictions.map(rounded));
  });

  test("the parameter aggregation_strategy replaces the aggregation of the manifest", async () => {
    const postprocessor = createTokenClassificationPostprocessor(block, labels);
    const parameters = { aggregation_strategy: aggregation };
    const requested = await postprocessor.toPredictions([scores], metadata, parameters);
    const other = createTokenClassificationPostprocessor({ ...block, aggregation }, labels);
    expect(requested).toEqual(await other.toPredictions([scores], metadata, {}));
  });
});

test("ignored labels are left out, and all others are returned", async () => {
  const { metadata, scores } = encode("wordpiece-cased", texts.slice(0, 1));
  const postprocessor = createTokenClassificationPostprocessor(
    { ...block, aggregation: "simple" },
    labels,
  );
  const [all] = (await postprocessor.toPredictions([scores], metadata, { ignore_labels: [] })) as {
    entity_group: string;
  }[][];
  const groups = new Set(all?.map(({ entity_group }) => entity_group));
  expect(groups).toContain("O");
  const [few] = (await postprocessor.toPredictions([scores], metadata, {
    ignore_labels: ["O", "PER"],
  })) as (typeof all)[];
  expect(few).toEqual(all?.filter(({ entity_group }) => !["O", "PER"].includes(entity_group)));
});

test("NaN in the scores is an error of the inference", async () => {
  const { metadata, scores } = encode("wordpiece-cased", texts.slice(0, 1));
  const data = toBytes(new Float32Array(scores.data.byteLength / 4).fill(Number.NaN));
  const postprocessor = createTokenClassificationPostprocessor(block, labels);
  await expect(postprocessor.toPredictions([{ ...scores, data }], metadata, {})).rejects.toThrow(
    /NaN or infinity/,
  );
});
