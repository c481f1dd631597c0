import { readSample } from "../../bench/sample.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { toTree } from "../mutate/json-tree.ts";
import { DATATYPES_INPUTS, DATATYPES_MODEL, STRINGS_MODEL } from "./helper-models.ts";
import type { JsonSample } from "./samples.ts";

/** A request with more is longer as JSON than the body of a request should be here. */
const MOST_VALUES = 1000;
const TEXTS = ["How do I reset my password?", "I forgot my login.", "It will rain."];

/** Parameters of explanations, of which each model takes some. */
const EXPLANATIONS = [
  { method: "auto", space: "margin", output: 0, max_runs: 60, seed: 1, dry_run: true },
  {
    method: "kernel",
    background: [[1, 2, 3, 4]],
    background_rows: 2,
    max_runs: 60,
    space: "probability",
  },
  { method: "shapley", unit: "word", removal: "remove", grid: [2, 2], fill: "mean", max_runs: 60 },
  { method: "lime", samples: 20, kernel_width: 0.5, sampling: "background", max_runs: 60 },
  { method: "counterfactual", target: "versicolor", count: 2, max_runs: 60 },
  { method: "permutation_importance", truth: ["setosa"], repeats: 2, features: [0], max_runs: 60 },
];

/** Valid requests of every operation that takes JSON, to every model. */
export function jsonSamples(
  manifests: readonly Manifest[],
  weightOf: (model: string) => number,
): JsonSample[] {
  const sample = (target: string, body: unknown, weight: number): JsonSample => ({
    target,
    body: toTree(body),
    weight,
  });
  return [
    ...manifests.flatMap(({ name, example }) => {
      const weight = weightOf(name);
      const { inputs } = readSample(name);
      const values = inputs.reduce((sum, { data }) => sum + data.length, 0);
      return [
        ...(example
          ? [
              sample(`/models/${name}`, { inputs: example.inputs }, weight),
              sample(
                `/models/${name}/versions/1`,
                { inputs: [example.inputs, example.inputs], parameters: { top_k: 2 } },
                weight / 4,
              ),
              sample(`/v1/models/${name}:predict`, { instances: [example.inputs] }, weight / 2),
              sample(`/v1/models/${name}:predict`, { inputs: example.inputs }, weight / 2),
              ...EXPLANATIONS.map((parameters) =>
                sample(
                  `/models/${name}/explain`,
                  { inputs: example.inputs, parameters },
                  weight / 8,
                ),
              ),
            ]
          : []),
        ...(values <= MOST_VALUES ? [sample(`/v2/models/${name}/infer`, { inputs }, weight)] : []),
      ];
    }),
    sample(`/v2/models/${DATATYPES_MODEL}/infer`, { id: "1", inputs: DATATYPES_INPUTS }, 3),
    sample(
      `/v2/models/${STRINGS_MODEL}/infer`,
      { inputs: [{ name: "x-BYTES", datatype: "BYTES", shape: [2], data: ["a", "é"] }] },
      2,
    ),
    sample(
      "/v2/models/iris-logistic/versions/1/infer",
      {
        id: "a",
        inputs: readSample("iris-logistic").inputs,
        outputs: [{ name: "probabilities", parameters: { classification: 2, binary_data: false } }],
        parameters: { priority: 1, timeout: 1_000_000, sequence_id: 1 },
      },
      3,
    ),
    sample(
      "/models/iris-logistic",
      {
        inputs: {
          data: {
            "sepal length (cm)": [5.1],
            "sepal width (cm)": [3.5],
            "petal length (cm)": [1.4],
            "petal width (cm)": [0.2],
          },
        },
        options: { use_cache: true, wait_for_model: true },
      },
      1,
    ),
    sample("/models/language-identification", { inputs: TEXTS, parameters: { top_k: 3 } }, 2),
    sample("/models/voice-activity", { inputs: [0, 0, 0.1], parameters: { threshold: 0.5 } }, 0.5),
    sample("/v1/embeddings", { model: "sentence-embeddings", input: TEXTS[0] }, 0.6),
    sample(
      "/v1/embeddings",
      {
        model: "sentence-embeddings",
        input: TEXTS,
        encoding_format: "base64",
        dimensions: 384,
        user: "u",
      },
      0.4,
    ),
    sample(
      "/v1/embeddings",
      {
        model: "sentence-embeddings",
        input: [
          [101, 2129, 102],
          [101, 102],
        ],
      },
      0.4,
    ),
    sample("/v2/repository/index", { ready: true }, 0.5),
  ];
}
