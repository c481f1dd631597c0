import type { R2Bucket } from "@cloudflare/workers-types";
import { Hono } from "hono";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { InferRequest, InferResponse, JsonTensor } from "../../tensor-json.ts";
import { toJsonTensor } from "./to-json-tensor.ts";

/**
 * A minimal Worker that serves a model with the public API of onnxruntime-web. To run in workerd, the API
 * needs three workarounds:
 * - one thread and any `wasmBinary` make the package use the glue code in its bundle instead of fetching it;
 * - workerd does not compile bytes, so `WebAssembly.instantiate` is replaced to use the precompiled module;
 * - overlapping runs corrupt each other's stack, so each run waits for the previous one.
 */
env.wasm.numThreads = 1;
env.wasm.wasmBinary = new ArrayBuffer(1);
const engine = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly;
engine.instantiate = async (_bytes, imports) => {
  memory = Object.values(imports)
    .flatMap((namespace) => Object.values(namespace))
    .find((value): value is EngineMemory => value instanceof engine.Memory);
  return { instance: new engine.Instance(wasm, imports), module: wasm };
};

/** The part that is used here; this folder is type-checked with the types of Node, which lack it. */
interface WebAssemblyGlobal {
  Instance: new (module: object, imports: object) => object;
  Memory: new () => EngineMemory;
  instantiate(bytes: object, imports: Imports): Promise<{ instance: object; module: object }>;
}

interface EngineMemory {
  readonly buffer: SharedArrayBuffer;
}

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const app = new Hono<{ Bindings: { MODELS: R2Bucket } }>();
const sessions = new Map<string, Promise<InferenceSession>>();
let lastRun: Promise<unknown> = Promise.resolve();
/** The engine's memory, set when it starts. */
let memory: EngineMemory | undefined;

app.get("/v2/health/live", (c) => c.json({ live: true }));

app.get("/memory", (c) => c.json({ memoryBytes: memory?.buffer.byteLength ?? 0 }));

app.post("/v2/repository/models/:model/load", async (c) => {
  await openSession(c.req.param("model"), c.env.MODELS);
  return c.json({});
});

app.post("/v2/models/:model/infer", async (c) => {
  const name = c.req.param("model");
  const start = performance.now();
  const session = await openSession(name, c.env.MODELS);
  const loadMs = performance.now() - start;
  const { id, inputs } = await c.req.json<InferRequest>();
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, toTensor(input)]));
  const run = lastRun.then(() => runTimed(session, feeds));
  lastRun = run.catch(() => undefined);
  const { values, inferMs } = await run;
  c.header("server-timing", `load;dur=${loadMs}, infer;dur=${inferMs}`);
  return c.json<InferResponse>({
    model_name: name,
    model_version: "1",
    id,
    outputs: session.outputNames.map((output) => toJsonTensor(output, values[output] as Tensor)),
  });
});

function openSession(name: string, bucket: R2Bucket): Promise<InferenceSession> {
  let session = sessions.get(name);
  if (!session) {
    session = createSession(name, bucket);
    sessions.set(name, session);
  }
  return session;
}

async function createSession(name: string, bucket: R2Bucket): Promise<InferenceSession> {
  const object = await bucket.get(`models/${name}/1/model.onnx`);
  if (!object) throw new Error(`no model ${name} in the bucket`);
  return InferenceSession.create(new Uint8Array(await object.arrayBuffer()));
}

async function runTimed(session: InferenceSession, feeds: InferenceSession.FeedsType) {
  const start = performance.now();
  const values = await session.run(feeds);
  return { values, inferMs: performance.now() - start };
}

function toTensor({ shape, data }: JsonTensor): Tensor {
  return new Tensor("float32", Float32Array.from(data), shape);
}

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;
