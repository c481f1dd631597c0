import { readFileSync } from "node:fs";
import { InferenceClient, InferenceClientProviderApiError } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { isHuggingFaceClient } from "../../src/protocols/task/hugging-face-client.ts";
import { findModel } from "../support/publish.ts";
import { type Service, startService } from "../support/service.ts";
import { EXPECTED_FOLDER } from "../support/tensors.ts";

/** Hugging Face's own client with the task API in workerd. */

let service: Service;
const client = new InferenceClient("hf_any");

beforeAll(async () => {
  service = await startService({
    models: ["spam-detection", "language-identification", "sentence-embeddings", "sound-events"],
  });
});

afterAll(() => service?.dispose());

const at = (model: string) => ({ endpointUrl: `${service.origin}/models/${model}` });

describe.each(["spam-detection", "language-identification"])("textClassification, %s", (model) => {
  test("textClassification returns the output of the model's example", async () => {
    const { example } = findModel(model).manifest;
    const inputs = String(example?.inputs);
    const expected = example?.output as { label: string; score: number }[];
    const labels = await client.textClassification({ ...at(model), inputs });
    expect(labels.slice(0, expected.length).map(({ label }) => label)).toEqual(
      expected.map(({ label }) => label),
    );
    const [best] = labels;
    const difference = Math.abs((best?.score ?? 0) - (expected[0]?.score ?? 1));
    expect(difference).toBeLessThanOrEqual(example?.tolerance ?? 0);
    // Other clients get no list around it.
    const { body } = await service.post(`/models/${model}`, { inputs });
    expect(body).toEqual(labels);
  });

  test("textClassification applies top_k", async () => {
    const prediction = await client.textClassification({
      ...at(model),
      inputs: "Win a prize",
      parameters: { top_k: 1 },
    });
    expect(prediction).toHaveLength(1);
  });
});

test("audioClassification returns labels of a recording, best first", async () => {
  const file = readFileSync(projectPath("test", "fixtures", "sounds", "files", "mono.flac"));
  const data = new Blob([new Uint8Array(file)], { type: "audio/flac" });
  const labels = await client.audioClassification({ ...at("sound-events"), data });
  expect(labels[0]).toMatchObject({ label: "Speech" });
  expect(labels).toHaveLength(5);
});

test("featureExtraction returns a vector, or one for each text", async () => {
  const { texts } = JSON.parse(
    readFileSync(`${EXPECTED_FOLDER}/sentence-embeddings-texts.json`, "utf8"),
  ) as { texts: { text: string; embedding: number[] }[] };
  const inputs = texts.map(({ text }) => text);
  const vectors = (await client.featureExtraction({
    ...at("sentence-embeddings"),
    inputs,
  })) as number[][];
  expect(vectors).toHaveLength(inputs.length);
  for (const [index, { embedding }] of texts.entries()) {
    // Both are of length 1.
    const dot = embedding.reduce((sum, value, d) => sum + value * (vectors[index]?.[d] ?? 0), 0);
    expect(dot).toBeGreaterThan(0.98);
  }
  const one = await client.featureExtraction({
    ...at("sentence-embeddings"),
    inputs: inputs[0] ?? "",
    normalize: true,
  });
  expect(one).toHaveLength(384);
});

test("sentenceSimilarity returns a cosine for each sentence", async () => {
  const { example } = findModel("sentence-embeddings").manifest;
  const inputs = example?.inputs as { source_sentence: string; sentences: string[] };
  const cosines = await client.sentenceSimilarity({ ...at("sentence-embeddings"), inputs });
  const expected = example?.output as number[];
  expect(cosines).toHaveLength(expected.length);
  for (const [index, cosine] of cosines.entries())
    expect(Math.abs(cosine - (expected[index] ?? 2))).toBeLessThanOrEqual(example?.tolerance ?? 0);
});

test("an error reaches the client with its message", async () => {
  const promise = client.textClassification({ ...at("no-such-model"), inputs: "a" });
  await expect(promise).rejects.toThrow(InferenceClientProviderApiError);
  await expect(promise).rejects.toMatchObject({ httpResponse: { status: 404 } });
});

test.each([
  ["@huggingface/inference/4.13.30 Node.js/24", true],
  ["unknown/None; hf_hub/1.2.3; python/3.12", true],
  ["curl/8.5.0", false],
  ["my-tool/1.0 (no @huggingface)", false],
  [undefined, false],
])("the user agent %s is recognized as Hugging Face's client: %s", (userAgent, expected) => {
  expect(isHuggingFaceClient(userAgent)).toBe(expected);
});

test("function_to_apply replaces the function of the manifest, where the model returns logits", async () => {
  const { activation } = findModel("spam-detection").manifest.postprocess as { activation: string };
  expect(activation).not.toBe("none");
  const ask = async (function_to_apply: "none" | "softmax" | "sigmoid") =>
    client.textClassification({
      ...at("spam-detection"),
      inputs: "Win a prize",
      parameters: { function_to_apply },
    });
  const logits = new Map((await ask("none")).map(({ label, score }) => [label, score]));
  const sum = [...logits.values()].reduce((total, logit) => total + Math.exp(logit), 0);
  for (const { label, score } of await ask("softmax"))
    expect(score).toBeCloseTo(Math.exp(logits.get(label) ?? 0) / sum, 6);
  for (const { label, score } of await ask("sigmoid"))
    expect(score).toBeCloseTo(1 / (1 + Math.exp(-(logits.get(label) ?? 0))), 6);
  await expect(
    client.textClassification({
      ...at("language-identification"),
      inputs: "Win a prize",
      parameters: { function_to_apply: "sigmoid" },
    }),
  ).rejects.toThrow(InferenceClientProviderApiError);
});
