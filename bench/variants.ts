import { startLocalWorker } from "../scripts/local-worker.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { runEngineLoop } from "./engine.ts";
import { applyLoad, HEADERS, type LoadResult } from "./load.ts";
import {
  assertSameTensors,
  type InferRequest,
  type InferResponse,
  type JsonTensor,
} from "./tensor-json.ts";

/** What every variant of one comparison is given, and must answer. */
export interface Task {
  readonly model: string;
  readonly modelFile: string;
  readonly inputs: readonly JsonTensor[];
  readonly outputs: readonly JsonTensor[];
}

export interface Measurement {
  readonly perSecond: number;
}

/** One way to get a task done, measured from start to end in fresh processes. */
export interface Variant {
  readonly name: string;
  /** @throws Error when an answer is wrong or a request fails */
  measure(task: Task, options: BenchmarkOptions): Promise<Measurement>;
}

export interface WorkerVariant {
  /** The folder of the bundled Worker. */
  readonly outdir: string;
  /** The folder of the simulated bucket with the models. */
  readonly statePath: string;
  readonly vars?: (task: Task) => Record<string, string>;
}

/** How far an answer may be from the engine's own. */
const TOLERANCE = 1e-5;
const WARM_UP_SECONDS = 1;

/** A Worker in a workerd of its own, asked over HTTP. */
export function workerVariant(
  name: string,
  { outdir, statePath, vars = () => ({}) }: WorkerVariant,
): Variant {
  return {
    name,
    async measure(task, { connections, seconds }): Promise<LoadResult> {
      const worker = await startLocalWorker({ outdir, statePath, vars: vars(task) });
      try {
        const url = new URL(`/v2/models/${task.model}/infer`, worker.url);
        const request: InferRequest = { id: "bench", inputs: task.inputs };
        const body = JSON.stringify(request);
        const check = (): Promise<void> => checkAnswer(`${name} (${task.model})`, url, body, task);
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

/** The engine alone in a Node process, called in a loop. */
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

async function checkAnswer(who: string, url: URL, body: string, task: Task): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: HEADERS,
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${who} answers ${response.status}: ${text}`);
  const cacheStatus = response.headers.get("cache-status") ?? "";
  if (/;\s*hit/.test(cacheStatus)) throw new Error(`${who} answers from a cache: ${cacheStatus}`);
  const { id, model_name, outputs } = JSON.parse(text) as Partial<InferResponse>;
  if (id !== "bench" || model_name !== task.model)
    throw new Error(`${who} answers another request: ${text}`);
  assertSameTensors(who, outputs, task.outputs, () => TOLERANCE);
}
