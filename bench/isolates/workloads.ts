import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import { readSample } from "../sample.ts";
import type { Workload } from "./paired-load.ts";
import { ADMIN_HEADERS } from "./placed-worker.ts";
import type { RequestSpec, TimedResponse } from "./request.ts";

const JSON_HEADERS = { "content-type": "application/json" };
/** The whole body is the data of the only input. */
const RAW_HEADERS = { "inference-header-content-length": "0" };
const SENTENCE = "How do I reset my password?";
const SENTENCES = 32;
const IMAGE_ELEMENTS = 3 * 224 * 224;
/** The parts of one streamed response. */
const DECODER_TOKENS = 200;
const DENSE_TOKENS = 30;
/** The engine's code for a model is optimized after some tens of runs. */
const LARGE_WARM_UP_SECONDS = 1.2;
/** Larger bodies are not looked up as a whole: the run is, in the prediction cache. */
const PADDED_BYTES = 5000;

export const COFFEE: RequestSpec = {
  path: "/models/imagenet-classification",
  headers: { "content-type": "image/jpeg" },
  body: readFileSync(projectPath("test", "fixtures", "images", "coffee.jpg")),
};

/** A request over the Open Inference Protocol with the first row of the test fixture. */
export function inferRequest(model: string): RequestSpec {
  const { inputs } = readSample(model);
  const body = JSON.stringify({ id: "bench", inputs });
  return { path: `/v2/models/${model}/infer`, headers: JSON_HEADERS, body };
}

export function taskRequest(model: string, inputs: unknown): RequestSpec {
  const body = JSON.stringify({ inputs });
  return { path: `/models/${model}`, headers: JSON_HEADERS, body };
}

export function sentenceRequest(model: string): RequestSpec {
  return taskRequest(model, SENTENCE);
}

export const BOUNDARY_WORKLOADS: readonly Workload[] = [
  fixed("iris-logistic, /v2", inferRequest("iris-logistic")),
  fixed("iris-logistic, task", taskRequest("iris-logistic", [5.1, 3.5, 1.4, 0.2])),
  fixed("digits-cnn, /v2", inferRequest("digits-cnn")),
  fixed("mean of 600 KB, /v2 binary", rawRequest("mean")),
  fixed("identity of 600 KB, /v2 binary", rawRequest("identity")),
  warmed(fixed("MiniLM, 1 sentence", sentenceRequest("sentence-embeddings"))),
  warmed(fixed("EfficientNet, JPEG of 17 KB", COFFEE)),
  fixed(
    `MiniLM, ${SENTENCES} sentences`,
    taskRequest(
      "sentence-embeddings",
      Array.from({ length: SENTENCES }, (_, index) => `${SENTENCE} ${index}`),
    ),
  ),
];

export const GENERATION_WORKLOADS: readonly Workload[] = [
  streamed(`decoder, ${DECODER_TOKENS} tokens`, "decoder", DECODER_TOKENS),
  streamed(`dense, ${DENSE_TOKENS} tokens`, "dense", DENSE_TOKENS),
];

export function tokensOf({ name }: Workload): number {
  return Number(/(\d+) tokens/.exec(name)?.[1]);
}

/** With the cache on. */
export const CACHE_WORKLOADS: readonly Workload[] = [
  ...cached("iris-logistic", (index) => [5.1, 3.5, 1.4, index / 1024]),
  ...cached("sentence-embeddings", (index) => `${SENTENCE} ${1000 + index}`),
];

/** @param inputs different ones for each index */
function cached(model: string, inputs: (index: number) => unknown): Workload[] {
  const request = (index: number): RequestSpec => {
    const { headers, ...rest } = taskRequest(model, inputs(index));
    // How the cache is used for texts is told only to the administrator.
    return { ...rest, headers: { ...headers, ...ADMIN_HEADERS } };
  };
  const repeated = request(0);
  const padded = { ...repeated, body: `${repeated.body}${" ".repeat(PADDED_BYTES)}` };
  const isHit = checkStatus(/; hit/);
  return [
    warmed({
      name: `${model}, miss`,
      model,
      request: (index) => request(index + 1),
      check: checkStatus(/; fwd=miss/),
    }),
    { name: `${model}, hit of the run`, model, request: () => padded, check: isHit },
    { name: `${model}, hit of the response`, model, request: () => repeated, check: isHit },
  ];
}

function warmed(workload: Workload): Workload {
  return { ...workload, warmUpSeconds: LARGE_WARM_UP_SECONDS };
}

function rawRequest(model: string): RequestSpec {
  const values = Float32Array.from({ length: IMAGE_ELEMENTS }, (_, index) => (index % 256) / 255);
  const body = new Uint8Array(values.buffer);
  return { path: `/v2/models/${model}/infer`, headers: RAW_HEADERS, body };
}

/** Equal requests, whose responses must be equal, wherever the model runs. */
function fixed(name: string, request: RequestSpec): Workload {
  const [, model = ""] = /models\/([^/]+)/.exec(request.path) ?? [];
  let first: Buffer | undefined;
  return {
    name,
    model,
    request: () => request,
    check({ body }) {
      first ??= body;
      if (!body.equals(first))
        throw new Error(`${name} has different responses: ${shorten(first)} and ${shorten(body)}`);
    },
  };
}

function streamed(name: string, model: string, tokens: number): Workload {
  const workload = fixed(name, taskRequest(model, tokens));
  return {
    ...workload,
    check(response) {
      const parts = response.body
        .toString()
        .split("\n\n")
        .filter((part) => part.includes("token"));
      if (parts.length !== tokens)
        throw new Error(`${name} has ${parts.length} parts: ${shorten(response.body)}`);
      workload.check(response);
    },
  };
}

function checkStatus(expected: RegExp): Workload["check"] {
  return ({ headers }: TimedResponse) => {
    const status = String(headers["cache-status"]);
    if (!expected.test(status)) throw new Error(`expected ${expected} in cache-status: ${status}`);
  };
}

function shorten(body: Buffer): string {
  return body.subarray(0, 200).toString();
}
