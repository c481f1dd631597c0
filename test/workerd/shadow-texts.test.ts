import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { manifestKey } from "../../src/storage/model-keys.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { beginPost } from "../support/raw-request.ts";
import { readRecording } from "../support/recordings.ts";
import { type Service, startService } from "../support/service.ts";
import {
  routeWithShadow,
  shadowEventOf,
  shadowEvents,
  shadowEventsOf,
} from "../support/shadows.ts";

/**
 * Copies of requests that generate texts, embeddings and transcripts, whole and streamed, in workerd, each version in an isolate of its own.
 * The tokens of pocket-gpt are those of ONNX Runtime in Python (`recipes/pocket_gpt.py`): where a version ends at one of them, how its text
 * differs follows from them.
 */

interface Case {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  /** How many of the tokens are ahead of all others by more than the kernels of two machines differ. */
  readonly certain: number;
}

const { cases } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
) as { cases: readonly Case[] };
/** A text, and the token at which the second version ends it. */
const { text, end } = cases
  .filter(({ tokens, certain }) => certain === tokens.length && tokens.length >= 12)
  .map((each) => ({ text: each, end: each.tokens[6] as number }))[0] as { text: Case; end: number };
const ended = text.tokens.indexOf(end) + 1;
const DIFFERENCE = {
  outcome: "different",
  measure: "edit_distance",
  distance: 1 - ended / text.tokens.length,
  detail: {
    leading: ended,
    edits: text.tokens.length - ended,
    longer: text.tokens.length,
  },
};

let service: Service;
let requests = 0;
const nextId = (): string => `text-${++requests}`;

/** Two versions of a model of `models/`, the second one with changes to its manifest. */
async function publishBoth(
  bucket: ModelBucket,
  of: string,
  name: string,
  changes: object = {},
): Promise<void> {
  const model = findModel(of);
  await publishAs(bucket, model, { name, version: "1" });
  await publishAs(bucket, model, { name, version: "2" });
  const { postprocess } = model.manifest;
  const manifest = { ...model.manifest, name, version: "2" };
  const changed = { ...manifest, postprocess: { ...postprocess, ...changes } };
  await bucket.put(manifestKey({ name, version: "2" }), JSON.stringify(changed));
  await routeWithShadow(bucket, name);
}

beforeAll(async () => {
  service = await startService({
    models: [],
    vars: { TIMEOUT_MS: "60000", MAX_QUEUE_MS: "60000" },
  });
  const { bucket } = service;
  await publishBoth(bucket, "pocket-gpt", "pocket-gpt", { eosTokenIds: [end] });
  await publishBoth(bucket, "pocket-gpt", "pocket-twin");
}, 60_000);

afterAll(() => service?.dispose());

async function post(path: string, body: object): Promise<{ id: string; body: unknown }> {
  const id = nextId();
  const response = await service.post(path, body, { "x-request-id": id });
  expect(response.status, JSON.stringify(response.body)).toBe(200);
  return { id, body: response.body };
}

const COMPLETION = {
  model: "pocket-gpt",
  prompt: text.ids,
  max_tokens: text.tokens.length,
  temperature: 0,
};
const GENERATION = {
  inputs: text.prompt,
  parameters: { max_new_tokens: text.tokens.length, do_sample: false },
};

describe("a text is compared with that of the shadow, token by token", () => {
  test.each<[string, string, object]>([
    ["completions", "/v1/completions", COMPLETION],
    ["streamed completions", "/v1/completions", { ...COMPLETION, stream: true }],
    ["the task, streamed", "/models/pocket-gpt", { ...GENERATION, stream: true }],
    [
      "the task, with details",
      "/models/pocket-gpt",
      { ...GENERATION, parameters: { ...GENERATION.parameters, details: true } },
    ],
  ])("of %s", async (_name, path, body) => {
    const { id } = await post(path, body);
    expect(await shadowEventOf(service, id)).toMatchObject({
      version: "1",
      shadowVersion: "2",
      task: "text-generation",
      ...DIFFERENCE,
      distance: expect.closeTo(DIFFERENCE.distance, 12),
    });
  });

  test("or word by word, without the prompt, where the answer has no tokens", async () => {
    const { id, body } = await post("/models/pocket-gpt", GENERATION);
    const [{ generated_text: whole }] = body as [{ generated_text: string }];
    const words = whole.slice(text.prompt.length).split(/\s+/).filter(Boolean).length;
    expect(await shadowEventOf(service, id)).toMatchObject({
      outcome: "different",
      measure: "edit_distance",
      detail: { longer: words },
    });
  });

  test("choice by choice", async () => {
    const { id } = await post("/v1/completions", { ...COMPLETION, prompt: [text.ids, text.ids] });
    const events = await shadowEventsOf(service, id, 2);
    expect(events).toMatchObject([DIFFERENCE, DIFFERENCE].map(({ detail }) => ({ detail })));
  });
});

describe("a text that is drawn", () => {
  const messages = [{ role: "user", content: "Tell me a long story about the sea." }];

  test.each([false, true])("is drawn again with its seed, streamed: %s", async (stream) => {
    const request = { model: "pocket-twin", messages, max_tokens: 24, temperature: 2, stream };
    const answers = [
      await post("/v1/chat/completions", request),
      await post("/v1/chat/completions", request),
    ];
    const texts = answers.map(({ body }) => JSON.stringify(body).match(/"content.*?"\}/g));
    // Each token is one of hundreds that are about as probable: of 80 texts, no two are the same.
    expect(texts[0]).not.toEqual(texts[1]);
    for (const { id } of answers)
      expect(await shadowEventOf(service, id)).toMatchObject({
        outcome: "same",
        measure: "edit_distance",
        distance: 0,
        detail: { edits: 0, longer: expect.any(Number) },
      });
  });

  test("is not copied where its answer does not tell the seed", async () => {
    const { id } = await post("/models/pocket-twin", {
      inputs: "The old man",
      parameters: { do_sample: true, temperature: 1, max_new_tokens: 4 },
    });
    expect(await shadowEventOf(service, id)).toMatchObject({ outcome: "skipped", reason: "drawn" });
  });
});

test("a client that leaves a stream leaves a copy of what it had received", async () => {
  const id = nextId();
  const LONG = { max_new_tokens: 900, min_new_tokens: 900, do_sample: false };
  const body = { inputs: "The old man", parameters: LONG, stream: true };
  const socket = await beginPost(service.origin, "/models/pocket-twin", body, {
    "x-request-id": id,
  });
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    received += chunk;
  });
  await poll("ten tokens", async () => (received.split("data:").length > 10 ? true : undefined));
  expect(shadowEvents(service, id)).toEqual([]);
  socket.resetAndDestroy();
  const event = await shadowEventOf(service, id);
  expect(await service.event(id)).toMatchObject({ errorCode: "client_closed_request" });
  expect(event).toMatchObject({
    outcome: "same",
    distance: 0,
    isPartial: true,
    detail: { edits: 0 },
  });
  expect(event.detail?.leading).toBeGreaterThanOrEqual(10);
  expect(event.detail?.leading).toBeLessThan(900);
});

describe("embeddings are compared with those of the shadow", () => {
  const input = ["A man eats.", "A woman sings in the rain."];

  beforeAll(
    () =>
      publishBoth(service.bucket, "sentence-embeddings", "sentence-embeddings", { pooling: "cls" }),
    60_000,
  );

  function cosineDistance(first: readonly number[], second: readonly number[]): number {
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
    return 1 - dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
  }

  test("in the form of OpenAI and in that of the task", async () => {
    const vectorsOf = async (version: string) =>
      (await post(`/models/sentence-embeddings/versions/${version}`, { inputs: input })).body;
    const [first, second] = (await Promise.all(["1", "2"].map(vectorsOf))) as number[][][];
    const distances = input.map((_, at) => cosineDistance(first?.[at] ?? [], second?.[at] ?? []));
    const expected = {
      outcome: "different",
      measure: "cosine_distance",
      distance: expect.closeTo(Math.max(...distances), 5),
      detail: { items: 2, differing: 2 },
    };
    const openAi = await post("/v1/embeddings", { model: "sentence-embeddings", input });
    expect(await shadowEventOf(service, openAi.id)).toMatchObject(expected);
    const task = await post("/models/sentence-embeddings", { inputs: input });
    expect(await shadowEventOf(service, task.id)).toMatchObject(expected);
  });

  test("of sentences that are compared, by their cosines", async () => {
    const [source = "", ...sentences] = [...input, ...input];
    const inputs = { source_sentence: source, sentences };
    const { id } = await post("/models/sentence-embeddings", { inputs });
    expect(await shadowEventOf(service, id)).toMatchObject({ measure: "absolute_difference" });
  });
});

describe("a transcript is compared with that of the shadow, word by word", () => {
  const recording = readRecording("speech", "hibari-05.wav");

  beforeAll(() => publishBoth(service.bucket, "whisper-tiny-en", "whisper-tiny-en"), 60_000);

  async function transcribe(fields: Record<string, string>): Promise<string> {
    const id = nextId();
    const form = new FormData();
    form.set("file", new Blob([recording]), "speech.wav");
    for (const [name, value] of Object.entries({ model: "whisper-tiny-en", ...fields }))
      form.set(name, value);
    const { status, body } = await service.request("/v1/audio/transcriptions", {
      method: "POST",
      body: form,
      headers: { "x-request-id": id },
    });
    expect(status, JSON.stringify(body)).toBe(200);
    return id;
  }

  test.each([{}, { stream: "true" }])(
    "with %j",
    async (fields) => {
      expect(await shadowEventOf(service, await transcribe(fields))).toMatchObject({
        task: "automatic-speech-recognition",
        outcome: "same",
        measure: "edit_distance",
        distance: 0,
        // "The train to the coast leaves from the second platform in about 10 minutes."
        detail: { leading: 14, edits: 0, longer: 14 },
      });
    },
    60_000,
  );

  test("as a raw body", async () => {
    const id = nextId();
    const { status } = await service.request("/models/whisper-tiny-en", {
      method: "POST",
      body: recording,
      headers: { "content-type": "audio/wav", "x-request-id": id },
    });
    expect(status).toBe(200);
    expect(await shadowEventOf(service, id)).toMatchObject({
      outcome: "same",
      detail: { leading: 14 },
    });
  }, 60_000);
});
