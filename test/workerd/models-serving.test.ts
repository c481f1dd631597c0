import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFolder } from "../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { blockReferences } from "../../src/domain/blocks/registry.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { type Service, startService } from "../support/service.ts";
import {
  EXPECTED_FOLDER,
  type Expected,
  expectClose,
  expectOutputs,
  nest,
  readExpected,
  row,
} from "../support/tensors.ts";

/** Every model of models/ in workerd, compared with outputs of another engine. */

interface Scored {
  label: string;
  score?: number;
  distance?: number;
  box?: { xmin: number; ymin: number; xmax: number; ymax: number };
}

const models = readModelFolder(projectPath("models")).map(({ manifest }) => manifest);

let service: Service;

beforeAll(async () => {
  // On a busy machine, requests to all models at once form a long queue.
  service = await startService({ vars: { MAX_QUEUE_MS: "600000", TIMEOUT_MS: "600000" } });
});

afterAll(() => service?.dispose());

describe.each(models)("$name", (manifest) => {
  const { name } = manifest;
  const expected = readExpected(name);
  const [input] = expected.inputs;
  const batch = input?.shape[0] ?? 0;

  test("computes the outputs of the other engine", async () => {
    const response = await service.post(`/v2/models/${name}/infer`, { inputs: expected.inputs });
    expect(response).toMatchObject({ status: 200, body: { model_name: name, model_version: "1" } });
    expectOutputs(response.body, expected);
  });

  test("computes the same outputs from nested data", async () => {
    const inputs = expected.inputs.map((tensor) => ({
      ...tensor,
      data: nest(tensor.data, tensor.shape),
    }));
    const response = await service.post(`/v2/models/${name}/infer`, { inputs });
    expectOutputs(response.body, expected);
  });

  // In a recurrent model each window depends on the previous ones.
  if (!isRecurrent(manifest))
    test("computes the same outputs for an item alone and in a batch", async () => {
      expect(batch).toBeGreaterThan(1);
      for (let index = 0; index < batch; index++) {
        const inputs = expected.inputs.map((tensor) => row(tensor, index));
        const response = await service.post(`/v2/models/${name}/infer`, { inputs });
        const outputs = expected.outputs.map((tensor) => row(tensor, index));
        expectOutputs(response.body, { ...expected, outputs });
      }
    });

  test("has the metadata of its manifest", async () => {
    const response = await service.request(`/v2/models/${name}`);
    expect(response).toMatchObject({
      status: 200,
      body: {
        name,
        versions: ["1"],
        inputs: manifest.inputs.map(toMetadata),
        outputs: manifest.outputs.map(toMetadata),
      },
    });
  });
});

/** Predictions for recordings are of another kind: see test/workerd/voice-activity.test.ts. */
const tasks = models.filter((manifest) => manifest.task !== undefined && !isRecurrent(manifest));

test.each(tasks)(
  "$name returns the output of its example",
  async ({ name, example, postprocess }) => {
    if (!example) throw new Error(`the manifest of ${name} has a task, but no example`);
    const output = example.output as Scored[] | number[];
    const parameters =
      postprocess?.type === "classification" ? { top_k: output.length } : example.parameters;
    const response = await service.post(`/models/${name}`, { inputs: example.inputs, parameters });
    expect(response.status).toBe(200);
    if (isText(postprocess?.type)) expect(response.body).toEqual(output);
    else expectPrediction(response.body, output, example.tolerance);
  },
);

/** For tables of numbers and for images, the fixture's tensors are the inputs of the task. */
const direct = tasks.filter(
  ({ preprocess }) =>
    preprocess?.type === "array" ||
    (preprocess?.type === "tabular" && Object.keys(preprocess.categories).length === 0),
);

test.each(direct)(
  "$name returns the same predictions for a list of items as for each of them alone",
  async (manifest) => {
    const { name, task } = manifest;
    const expected = readExpected(name);
    const [{ data = [], shape: [batch = 0, ...rest] = [] } = {}] = expected.inputs;
    const item = rest.slice(rest.findIndex((size) => size !== 1));
    const items = nest(data, [batch, ...item]);
    const response = await service.post(`/models/${name}`, { inputs: items });
    expect(response.body).toHaveLength(batch);
    for (const [index, one] of items.entries()) {
      const alone = await service.post(`/models/${name}`, { inputs: one });
      const inBatch = (response.body as unknown[])[index];
      const prediction = task === "tabular-regression" ? [inBatch] : inBatch;
      expectPrediction(prediction, alone.body as Scored[] | number[], 1e-6);
      expectTask(manifest, prediction, expected, index);
    }
  },
);

describe("language-identification", () => {
  const fixture: { texts: { text: string; expected: Scored[] }[]; tolerance: number } = JSON.parse(
    readFileSync(`${EXPECTED_FOLDER}/language-identification-texts.json`, "utf8"),
  );
  const { tolerance } = fixture;
  /** Texts without letters are refused, which lande does not. */
  const texts = fixture.texts.filter(({ text }) => /\p{L}/u.test(text));

  test.each(texts)("text $# is classified as $expected.0.label", async ({ text, expected }) => {
    const parameters = { top_k: expected.length };
    const response = await service.post("/models/language-identification", {
      inputs: text,
      parameters,
    });
    expectPrediction(response.body, expected, tolerance);
  });

  test("all texts are classified in one request", async () => {
    const inputs = texts.map(({ text }) => text);
    const response = await service.post("/models/language-identification", {
      inputs,
      parameters: { top_k: 1 },
    });
    const found = (response.body as Scored[][]).map(([best]) => best?.label);
    expect(found).toEqual(texts.map(({ expected }) => expected[0]?.label));
  });
});

describe("sentence-embeddings", () => {
  interface Embedded {
    text: string;
    ids: number[];
    embedding: number[];
  }
  const { texts, tolerance }: { texts: Embedded[]; tolerance: number } = JSON.parse(
    readFileSync(`${EXPECTED_FOLDER}/sentence-embeddings-texts.json`, "utf8"),
  );

  test.each(texts)("the embedding of $text is that of the original", async ({ ids, embedding }) => {
    const input = (name: string, data: number[]): object => ({
      name,
      datatype: "INT64",
      shape: [1, ids.length],
      data,
    });
    const { body } = await service.post("/v2/models/sentence-embeddings/infer", {
      inputs: [
        input("input_ids", ids),
        input("attention_mask", Array(ids.length).fill(1)),
        input("token_type_ids", Array(ids.length).fill(0)),
      ],
    });
    const [{ data = [] } = {}] = (body as { outputs: { data: number[] }[] }).outputs;
    expect(data).toHaveLength(ids.length * embedding.length);
    const sums = embedding.map((_, channel) =>
      ids.reduce((sum, __, token) => sum + (data[token * embedding.length + channel] ?? 0), 0),
    );
    const length = Math.hypot(...sums);
    const actual = sums.map((sum) => sum / length);
    expectClose(actual, embedding, tolerance);
    // The card measures 0.99891 at least.
    const cosine = actual.reduce((sum, value, i) => sum + value * (embedding[i] ?? 0), 0);
    expect(cosine).toBeGreaterThan(0.998);
  });
});

test("requests to all models at once do not mix", async () => {
  const rounds = Array.from({ length: 4 }, () => models).flat();
  const responses = await Promise.all(
    rounds.map(async ({ name }) => {
      const expected = readExpected(name);
      const { body } = await service.post(`/v2/models/${name}/infer`, { inputs: expected.inputs });
      return { body, expected };
    }),
  );
  expect(responses).toHaveLength(4 * models.length);
  for (const { body, expected } of responses) expectOutputs(body, expected);
});

/** Whether predictions are texts, which are equal or not. */
function isText(type: string | undefined): boolean {
  return type === "text-generation" || type === "speech-recognition";
}

function isRecurrent({ preprocess }: Manifest): boolean {
  return preprocess?.type === "audio-windows";
}

/** Labels in the same order, numbers within the tolerance. */
function expectPrediction(
  actual: unknown,
  expected: readonly Scored[] | readonly number[],
  tolerance: number,
): void {
  expect(labelsOf(actual)).toEqual(labelsOf(expected));
  expectClose(numbersOf(actual), numbersOf(expected), tolerance);
}

/** Compares the prediction for one item with the other engine's. */
function expectTask(
  { postprocess, labels = [] }: Manifest,
  prediction: unknown,
  { outputs, tolerance }: Expected,
  index: number,
): void {
  const [outputName] = postprocess ? (blockReferences(postprocess).outputs ?? []) : [];
  const output = outputs.find(({ name }) => name === outputName);
  if (!output || !postprocess) throw new Error("the fixture does not have the task's output");
  let numbers = row(output, index).data;
  if (postprocess.type === "classification" && postprocess.activation === "softmax") {
    const sum = numbers.reduce((total, value) => total + Math.exp(value), 0);
    numbers = numbers.map((value) => Math.exp(value) / sum);
  }
  // A binary model may output the probability of its second label only.
  const [only = 0] = numbers;
  if (labels.length === 2 && numbers.length === 1) numbers = [1 - only, only];
  expectClose(numbersByLabel(prediction, labels), numbers, tolerance[output.name] ?? 0);
}

function labelsOf(prediction: unknown): unknown[] {
  return (prediction as (Scored | number)[]).map((entry) =>
    typeof entry === "number" ? "" : entry.label,
  );
}

function numbersOf(prediction: unknown): number[] {
  return (prediction as (Scored | number)[]).flatMap((entry) => {
    if (typeof entry === "number") return entry;
    const { score, distance, box } = entry;
    const number = score ?? distance ?? Number.NaN;
    return box ? [number, box.xmin, box.ymin, box.xmax, box.ymax] : number;
  });
}

/** The numbers of a prediction in the order of the labels, or of the classes without labels. */
function numbersByLabel(prediction: unknown, labels: readonly string[]): number[] {
  const numbers = numbersOf(prediction);
  const names = labelsOf(prediction);
  const order = labels.length > 0 ? labels : names.map((_, position) => String(position));
  return names.includes("") ? numbers : order.map((label) => numbers[names.indexOf(label)] ?? NaN);
}

function toMetadata({ name, datatype, shape }: Manifest["inputs"][number]): object {
  return { name, datatype, shape: shape.map((size) => (typeof size === "string" ? -1 : size)) };
}
