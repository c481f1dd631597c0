import { startLocalWorker } from "../scripts/local-worker.ts";
import { toSpread } from "./statistics.ts";
import {
  assertSameTensors,
  type InferRequest,
  type InferResponse,
  type JsonTensor,
} from "./tensor-json.ts";

/** The request to every variant, and the expected outputs. */
export interface ColdStartWorkload {
  readonly model: string;
  readonly inputs: readonly JsonTensor[];
  readonly outputs: readonly JsonTensor[];
  /** Largest absolute difference between a value of an output and the expected one. */
  readonly tolerance: (name: string, value: number) => number;
}

/** A Worker that reports the durations of `load` and `infer` in `server-timing`. */
export interface ColdStartVariant {
  readonly name: string;
  /** The folder of the bundled Worker. */
  readonly outdir: string;
  /** The folder of the simulated bucket with the models. */
  readonly statePath: string;
  readonly vars: Readonly<Record<string, string>>;
  /** Reads the size of the Worker's wasm memory in bytes. */
  readonly readMemoryBytes: (url: URL) => Promise<number>;
}

/** The measurements of one fresh process. */
export interface ColdStart {
  /** From request to response, of the first prediction. */
  readonly firstResponseMs: number;
  /** The part of it from the lookup of the model to its session. */
  readonly loadMs: number;
  /** The wasm memory after the first response. */
  readonly memoryBytes: number;
  /** Number of warm predictions after that, one after the other. */
  readonly runs: number;
  /** The median from request to response. */
  readonly responseMs: number;
  /** The mean duration of the run as reported by the Worker, whose clock counts whole milliseconds. */
  readonly runMs: number;
}

interface TimedResponse {
  readonly elapsedMs: number;
  readonly loadMs: number;
  readonly inferMs: number;
  readonly text: string;
}

/** A Worker that has sent its first response. */
interface StartedWorker {
  readonly variant: ColdStartVariant;
  readonly first: TimedResponse;
  readonly memoryBytes: number;
  readonly infer: () => Promise<TimedResponse>;
  readonly dispose: () => Promise<void>;
}

/** Long enough for the optimizing compiler to recompile hot code. */
const WARM_UP_SECONDS = 0.5;
/** Duration of the requests to one variant before the next one. */
const SLICE_SECONDS = 0.1;

/**
 * Starts each variant in a fresh process and measures its first response, one process after the other.
 * The warm requests then alternate between the variants in short slices, so that other load of the machine
 * affects all of them equally.
 * @param seconds duration of the warm predictions of each variant
 * @returns the measurements, in the order of `variants`
 * @throws Error when a request fails or an output is wrong
 */
export async function measureColdStarts(
  variants: readonly ColdStartVariant[],
  workload: ColdStartWorkload,
  seconds: number,
): Promise<ColdStart[]> {
  const started: StartedWorker[] = [];
  try {
    for (const variant of variants) started.push(await start(variant, workload));
    for (const { infer } of started) await inferFor(infer, WARM_UP_SECONDS);
    const warm = started.map((): TimedResponse[] => []);
    for (let slice = 0; slice * SLICE_SECONDS < seconds; slice++)
      for (const [index, { infer }] of started.entries())
        warm[index]?.push(...(await inferFor(infer, SLICE_SECONDS)));
    return started.map(({ variant, first, memoryBytes }, index) => {
      const responses = warm[index] ?? [];
      for (const [which, response] of Object.entries({ first, last: responses.at(-1) ?? first }))
        checkResponse(
          `the ${which} response of ${variant.name} (${workload.model})`,
          response.text,
          workload,
        );
      return {
        firstResponseMs: first.elapsedMs,
        loadMs: first.loadMs,
        memoryBytes,
        runs: responses.length,
        responseMs: toSpread(responses.map(({ elapsedMs }) => elapsedMs)).median,
        runMs: responses.reduce((sum, { inferMs }) => sum + inferMs, 0) / responses.length,
      };
    });
  } finally {
    await Promise.all(started.map(({ dispose }) => dispose()));
  }
}

/** The wasm memory in bytes of a fresh process with the model loaded, before any run. */
export async function measureMemoryAfterLoad(
  { outdir, statePath, vars, readMemoryBytes }: ColdStartVariant,
  model: string,
): Promise<number> {
  const worker = await startLocalWorker({ outdir, statePath, vars });
  try {
    const url = new URL(`/v2/repository/models/${model}/load`, worker.url);
    const response = await fetch(url, { method: "POST" });
    if (!response.ok)
      throw new Error(`${url.pathname} responded ${response.status}: ${await response.text()}`);
    return await readMemoryBytes(worker.url);
  } finally {
    await worker.dispose();
  }
}

async function start(
  variant: ColdStartVariant,
  workload: ColdStartWorkload,
): Promise<StartedWorker> {
  const { outdir, statePath, vars, readMemoryBytes } = variant;
  const worker = await startLocalWorker({ outdir, statePath, vars });
  try {
    // Opens a connection and starts the isolate, but no engine.
    await readJson(new URL("/v2/health/live", worker.url));
    const request: InferRequest = { id: "bench", inputs: workload.inputs };
    const infer = createInfer(worker.url, workload.model, JSON.stringify(request));
    const first = await infer();
    const memoryBytes = await readMemoryBytes(worker.url);
    return { variant, first, memoryBytes, infer, dispose: worker.dispose };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

export async function readJson(url: URL, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url.pathname} responded ${response.status}: ${text}`);
  return JSON.parse(text);
}

function createInfer(origin: URL, model: string, body: string): () => Promise<TimedResponse> {
  const url = new URL(`/v2/models/${model}/infer`, origin);
  // Node requests gzip otherwise, which only one of the Workers supports.
  const headers = { "content-type": "application/json", "accept-encoding": "identity" };
  return async () => {
    const start = performance.now();
    const response = await fetch(url, { method: "POST", headers, body });
    const text = await response.text();
    const elapsedMs = performance.now() - start;
    if (!response.ok) throw new Error(`${url.pathname} responded ${response.status}: ${text}`);
    const timing = response.headers.get("server-timing") ?? "";
    return { elapsedMs, loadMs: phase(timing, "load"), inferMs: phase(timing, "infer"), text };
  };
}

/** Requests one after the other for `seconds`, at least one. */
async function inferFor(
  infer: () => Promise<TimedResponse>,
  seconds: number,
): Promise<TimedResponse[]> {
  const responses: TimedResponse[] = [];
  const end = performance.now() + seconds * 1000;
  do responses.push(await infer());
  while (performance.now() < end);
  return responses;
}

function phase(timing: string, name: string): number {
  const [, duration] = new RegExp(`\\b${name};dur=([\\d.]+)`).exec(timing) ?? [];
  if (duration === undefined) throw new Error(`server-timing has no ${name}: ${timing}`);
  return Number(duration);
}

function checkResponse(
  subject: string,
  text: string,
  { model, outputs, tolerance }: ColdStartWorkload,
): void {
  const { id, model_name, outputs: found } = JSON.parse(text) as Partial<InferResponse>;
  if (id !== "bench" || model_name !== model)
    throw new Error(`${subject} belongs to another request: ${text}`);
  assertSameTensors(subject, found, outputs, tolerance);
}
