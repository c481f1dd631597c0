import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import { explain, furthest } from "../../../support/explained-parts.ts";
import { buildOnnx } from "../../../support/onnx-builder.ts";
import { type ServedVersion, servedVersion } from "../../../support/served-version.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Texts of blocks that no model of models/ has: token classification, and models that take texts themselves. */

const folder = mkdtempSync(join(tmpdir(), "explained-texts-"));
beforeAll(() => stubWorkersGlobals());
afterAll(() => rmSync(folder, { recursive: true }));

function serve(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
  manifest: object,
): ServedVersion {
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes);
  const text = {
    schemaVersion: 1,
    name,
    version: "1",
    format: "onnx",
    file: Object.keys(files)[0],
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      sizeBytes: bytes.byteLength,
    })),
    createdAt: "2026-12-01T00:00:00Z",
    ...manifest,
  };
  return servedVersion({
    manifest: parseManifest(text),
    manifestText: JSON.stringify(text),
    folder,
  });
}

describe("tokens that are classified", () => {
  const VOCABULARY = 1206;
  const LABELS = ["O", "B-X"];
  /** The logit of the second label: of a token itself, and of the mean of all tokens of the text. */
  const own = Float32Array.from({ length: VOCABULARY }, (_, id) => ((id * 37) % 11) / 4 - 0.5);
  const around = Float32Array.from({ length: VOCABULARY }, (_, id) => ((id * 53) % 13) / 6 - 1);
  const twoLabels = (values: Float32Array) =>
    Float32Array.from({ length: VOCABULARY * 2 }, (_, at) =>
      at % 2 === 1 ? (values[(at - 1) / 2] as number) : 0,
    );
  let model: ServedVersion;
  beforeAll(() => {
    const shape = [VOCABULARY, 2];
    const graph = buildOnnx({
      inputs: [{ name: "ids", datatype: "INT64", shape: ["batch", "tokens"] }],
      outputs: [{ name: "scores", datatype: "FP32", shape: ["batch", "tokens", 2] }],
      weights: [
        { name: "own", datatype: "FP32", shape, data: twoLabels(own) },
        { name: "around", datatype: "FP32", shape, data: twoLabels(around) },
        { name: "axes", datatype: "INT64", shape: [1], data: BigInt64Array.of(1n) },
      ],
      nodes: [
        { op: "Gather", inputs: ["own", "ids"], outputs: ["each"] },
        { op: "Gather", inputs: ["around", "ids"], outputs: ["others"] },
        { op: "ReduceMean", inputs: ["others", "axes"], outputs: ["context"] },
        { op: "Add", inputs: ["each", "context"], outputs: ["scores"] },
      ],
    });
    const tokenizer = readFileSync(
      projectPath("test", "fixtures", "tokenizers", "wordpiece-cased.json"),
    );
    model = serve(
      "entities",
      { "entities.onnx": graph, "tokenizer.json": new Uint8Array(tokenizer) },
      {
        task: "token-classification",
        inputs: [{ name: "ids", datatype: "INT64", shape: ["batch", "tokens"] }],
        outputs: [{ name: "scores", datatype: "FP32", shape: ["batch", "tokens", 2] }],
        preprocess: {
          type: "tokenizer",
          version: 1,
          tokenizer: "tokenizer.json",
          inputs: { ids: "ids" },
          maxLength: 64,
          truncation: "end",
          padding: "longest",
        },
        postprocess: {
          type: "token-classification",
          version: 1,
          scores: "scores",
          aggregation: "none",
          ignoreLabels: ["O"],
        },
        labels: LABELS,
      },
    );
  });

  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  /** The probability of the second label at a place, by the formula of the graph. */
  const probability = (ids: readonly number[], at: number) =>
    sigmoid(
      (own[ids[at] as number] as number) +
        ids.reduce((sum, id) => sum + (around[id] as number), 0) / ids.length,
    );

  test.each([
    ["mask", 4],
    ["remove", undefined],
  ] as const)("are explained by the tokens around them: %s", async (removal, mask) => {
    const text = "a b c d";
    const vocabulary = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")).model.vocab;
    const ids: number[] = ["[CLS]", "a", "b", "c", "d", "[SEP]"].map((token) => vocabulary[token]);
    const answer = await explain(
      model,
      "occlusion",
      text,
      { unit: "token", removal },
      { output: "all" },
    );
    const found = [1, 2, 3, 4].filter((at) => probability(ids, at) > 0.5);
    expect(found.length).toBeGreaterThan(0);
    expect(answer.output_names).toEqual(found.map((at) => `B-X: ${"abcd"[at - 1]}`));
    const values = answer.values as unknown as number[][];
    for (const [index, at] of found.entries()) {
      const expected = [1, 2, 3, 4].map((out) => {
        const left = ids.flatMap((id, place) => (place !== out ? [id] : mask ? [mask] : []));
        const moved = mask === undefined && out < at ? at - 1 : at;
        const value = mask === undefined && out === at ? 0 : probability(left, moved);
        return probability(ids, at) - value;
      });
      expect(
        furthest(
          values.map((row) => row[index] ?? 0),
          expected,
        ),
      ).toBeLessThan(1e-6);
    }
  });

  test("a text in which nothing is found is refused", async () => {
    await expect(explain(model, "occlusion", "")).rejects.toThrow(
      "inputs has no token with a label that could be explained",
    );
  });
});

test("a model that takes texts itself is explained between what scikit-learn predicts of all words and of none", async () => {
  const texts = projectPath("test", "fixtures", "texts");
  const { labels, texts: cases } = JSON.parse(readFileSync(join(texts, "expected.json"), "utf8"));
  const model = serve(
    "tfidf",
    { "tfidf.onnx": new Uint8Array(readFileSync(join(texts, "tfidf.onnx"))) },
    {
      task: "text-classification",
      inputs: [{ name: "text", datatype: "BYTES", shape: ["batch", 1] }],
      outputs: [
        { name: "label", datatype: "BYTES", shape: ["batch"] },
        { name: "probabilities", datatype: "FP32", shape: ["batch", 2] },
      ],
      preprocess: { type: "text", version: 1, input: "text" },
      postprocess: {
        type: "classification",
        version: 1,
        scores: "probabilities",
        activation: "none",
      },
      labels,
    },
  );
  const [{ text, probabilities }] = cases;
  const none = cases.find((one: { text: string }) => one.text === "");
  const answer = await explain(model, "shapley", text);
  expect(answer.output_names).toEqual(["spam"]);
  expect(answer.output).toBeCloseTo(probabilities[1], 5);
  expect(answer.base_value).toBeCloseTo(none.probabilities[1], 5);
  expect(answer.additivity_error).toBeLessThan(1e-9);
  expect(answer.spans.map((span) => span.text)).toEqual(["Claim", "your", "FREE", "prize", "now!"]);
});
