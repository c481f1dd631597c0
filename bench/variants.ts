import { startLocalWorker } from "../scripts/local-worker.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { runEngineLoop } from "./engine-loop.ts";
import { applyLoad, HEADERS, type LoadResult } from "./load.ts";
import {
  assertSameTensors,
  type InferRequest,
  type InferResponse,
  type JsonTensor,
} from "./tensor-json.ts";

/** The input of every variant in one comparison, and the expected outputs. */
export interface Workload {
  readonly model: string;
  readonly modelFile: string;
  readonly inputs: readonly JsonTensor[];
  readonly outputs: readonly JsonTensor[];
}

export interface Measurement {
  readonly perSecond: number;
}

/** An implementation of a workload, measured in fresh processes. */
export interface Variant {
  readonly name: string;
  /** @throws Error when an output is wrong or a request fails */
  measure(workload: Workload, options: BenchmarkOptions): Promise<Measurement>;
}

export interface WorkerVariant {
  /** The folder of the bundled Worker. */
  readonly outdir: string;
  /** The folder of the simulated bucket with the models. */
  readonly statePath: string;
  readonly vars?: (workload: Workload) => Record<string, string>;
}

/** Largest absolute difference from the engine's own outputs. */
const TOLERANCE = 1e-5;
const WARM_UP_SECONDS = 1;

/** A Worker in its own workerd, called over HTTP. */
export function workerVariant(
  name: string,
  { outdir, statePath, vars = () => ({}) }: WorkerVariant,
): Variant {
  return {
    name,
    async measure(workload, { connections, seconds }): Promise<LoadResult> {
      const worker = await startLocalWorker({ outdir, statePath, vars: vars(workload) });
      try {
        const url = new URL(`/v2/models/${workload.model}/infer`, worker.url);
        const request: InferRequest = { id: "bench", inputs: workload.inputs };
        const body = JSON.stringify(request);
        const check = (): Promise<void> =>
          checkResponse(`${name} (${workload.model})`, url, body, workload);
        await check();
        const load = { url, body, connections, seconds, warmUpSeconds: WARM_UP_SECONDS };
        const result = await applyLoad(load);
        await check();
        return result;
      } finally {
        await worker.dispose();
      }
    },
  };
}

/** The engine in a Node process, called in a loop. */
export function engineVariant(name: string): Variant {
  return {
    name,
    async measure({ model, modelFile, inputs, outputs }, { seconds }) {
      const result = await runEngineLoop({
        modelFile,
        inputs,
        seconds,
        warmUpSeconds: WARM_UP_SECONDS,
      });
      assertSameTensors(`${name} (${model})`, result.outputs, outputs, () => TOLERANCE);
      return {
        runs: result.runs,
        seconds: result.seconds,
        perSecond: result.runs / result.seconds,
      };
    },
  };
}

async function checkResponse(
  subject: string,
  url: URL,
  body: string,
  workload: Workload,
): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: HEADERS,
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${subject} responded ${response.status}: ${text}`);
  const cacheStatus = response.headers.get("cache-status") ?? "";
  if (/;\s*hit/.test(cacheStatus))
    throw new Error(`${subject} responded from a cache: ${cacheStatus}`);
  const { id, model_name, outputs } = JSON.parse(text) as Partial<InferResponse>;
  if (id !== "bench" || model_name !== workload.model)
    throw new Error(`${subject} responded to another request: ${text}`);
  assertSameTensors(subject, outputs, workload.outputs, () => TOLERANCE);
}
