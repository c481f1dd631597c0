import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

/**
 * Drives the Worker with the types that openapi-typescript makes of its document, which tsc checks: argument 1 is the
 * Worker's URL, 2 the folder of expected values (scikit-learn, transformers).
 */
const [baseUrl = "", folder = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl });

interface Expected {
  readonly tolerance: Readonly<Record<string, number>>;
  readonly inputs: readonly [{ readonly data: number[] }];
  readonly outputs: readonly { readonly name: string; readonly data: (number | string)[] }[];
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as T;
}

function assertClose(actual: number | undefined, expected: number, tolerance: number): void {
  const difference = Math.abs((actual ?? Number.NaN) - expected);
  assert.ok(difference <= tolerance, `${actual} differs from ${expected}`);
}

const iris = read<Expected>("iris-logistic");
const rows = Array.from({ length: 4 }, (_, row) => iris.inputs[0].data.slice(row * 4, row * 4 + 4));
const LABELS = ["setosa", "versicolor", "virginica"];
const probabilities = iris.outputs.find(({ name }) => name === "probabilities")?.data as number[];

function assertScores(scores: readonly components["schemas"]["LabelScore"][], row: number): void {
  assert.equal(scores.length, LABELS.length);
  for (const { label, score } of scores)
    assertClose(score, probabilities[row * 3 + LABELS.indexOf(label)] ?? Number.NaN, 1e-6);
}

// The task API: `parameters` has a default and may be left out.
const model = "iris-logistic";
const one = await client.POST("/models/{model}", {
  params: { path: { model } },
  body: { inputs: rows[0] },
});
assertScores(one.data as components["schemas"]["LabelScore"][], 0);
const several = await client.POST("/models/{model}/versions/{version}", {
  params: { path: { model, version: "1" } },
  body: { inputs: rows, parameters: { top_k: 3 } },
});
for (const [row, scores] of (several.data as components["schemas"]["LabelScore"][][]).entries())
  assertScores(scores, row);

// The Open Inference Protocol, with nested data.
const inferred = await client.POST("/v2/models/{model}/infer", {
  params: { path: { model }, header: { "x-request-id": "typed" } },
  body: {
    inputs: [{ name: "features", datatype: "FP32", shape: [4, 4], data: rows }],
    outputs: [{ name: "probabilities" }],
  },
});
if (typeof inferred.data !== "object") throw new Error("infer responded with bytes");
const [output] = inferred.data.outputs;
assert.deepEqual(output?.shape, [4, 3]);
for (const [index, value] of (output?.data ?? []).entries())
  assertClose(value as number, probabilities[index] ?? Number.NaN, 1e-6);

// Embeddings: `encoding_format` and `truncate` have defaults and may be left out.
const { texts } = read<{ texts: { text: string; embedding: number[] }[] }>(
  "sentence-embeddings-texts",
);
const embedded = await client.POST("/v1/embeddings", {
  body: { model: "sentence-embeddings", input: texts.slice(0, 2).map(({ text }) => text) },
});
for (const { index, embedding } of embedded.data?.data ?? []) {
  const expected = texts[index]?.embedding ?? [];
  const cosine = expected.reduce((sum, value, at) => sum + value * Number(embedding[at]), 0);
  assert.ok(cosine > 0.98, `cosine ${cosine}`);
}
assert.equal(embedded.data?.data.length, 2);

// Metadata, and a typed error.
const metadata = await client.GET("/v2/models/{model}", { params: { path: { model } } });
assert.deepEqual(metadata.data?.inputs[0]?.shape, [-1, 4]);
const failed = await client.POST("/models/{model}", {
  params: { path: { model } },
  body: { inputs: [1, 2] },
});
assert.equal(failed.error?.code, "invalid_shape");
const purged = await client.POST("/admin/cache/purge", { body: { all: true } });
assert.equal(purged.error?.code, "unauthorized");
