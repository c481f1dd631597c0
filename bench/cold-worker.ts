import { startLocalWorker } from "../scripts/local-worker.ts";
import { toSpread } from "./statistics.ts";
import {
  assertSameTensors,
  type InferRequest,
  type InferResponse,
  type JsonTensor,
} from "./tensor-json.ts";

/** What every variant is asked, and must answer. */
export interface ColdTask {
  readonly model: string;
  readonly inputs: readonly JsonTensor[];
  readonly outputs: readonly JsonTensor[];
  /** How far a value of an output may be from the expected one. */
  readonly tolerance: (name: string, value: number) => number;
}

/** A Worker that tells in `server-timing` how long it took to `load` and to `infer`. */
export interface ColdVariant {
  readonly name: string;
  /** The folder of the bundled Worker. */
  readonly outdir: string;
  /** The folder of the simulated bucket with the models. */
  readonly statePath: string;
  readonly vars: Readonly<Record<string, string>>;
  /** Asks the Worker for the size of its wasm memory. */
  readonly readMemoryBytes: (url: URL) => Promise<number>;
}

/** What one fresh process showed. */
export interface ColdStart {
  /** From request to answer, of the first prediction. */
  readonly firstAnswerMs: number;
  /** Of that, from the wish for a model to its session. */
  readonly loadMs: number;
  /** The wasm memory after the first answer. */
  readonly memoryBytes: number;
  /** Warm predictions after that, one after the other. */
  readonly runs: number;
  /** The median from request to answer. */
  readonly answerMs: number;
  /** The mean of what the Worker says of the run alone; its clock counts whole milliseconds. */
  readonly runMs: number;
}

interface Answer {
  readonly elapsedMs: number;
  readonly loadMs: number;
  readonly inferMs: number;
  readonly text: string;
}

/** A Worker that has given its first answer. */
interface StartedWorker {
  readonly variant: ColdVariant;
  readonly first: Answer;
  readonly memoryBytes: number;
  readonly ask: () => Promise<Answer>;
  readonly dispose: () => Promise<void>;
}

/** By then hot code has been compiled again by the optimizing compiler. */
const WARM_UP_SECONDS = 0.5;
/** How long a variant is asked before it is the next one's turn. */
const TURN_SECONDS = 0.1;

/**
 * Starts each variant in a fresh process and takes its first answer, one process after the other.
 * Then all of them are warm, and asked in turns, so that whatever else the machine does meets them
 * alike.
 * @param seconds of warm predictions, for each variant
 * @returns what was measured, in the order of `variants`
 * @throws Error when a request fails, or an answer is wrong
 */
export async function measureColdStarts(
  variants: readonly ColdVariant[],
  task: ColdTask,
  seconds: number,
): Promise<ColdStart[]> {
  const started: StartedWorker[] = [];
  try {
    for (const variant of variants) started.push(await start(variant, task));
    for (const { ask } of started) await askFor(ask, WARM_UP_SECONDS);
    const warm = started.map((): Answer[] => []);
    for (let turn = 0; turn * TURN_SECONDS < seconds; turn++)
      for (const [index, { ask }] of started.entries())
        warm[index]?.push(...(await askFor(ask, TURN_SECONDS)));
    return started.map(({ variant, first, memoryBytes }, index) => {
      const answers = warm[index] ?? [];
      for (const [which, answer] of Object.entries({ first, last: answers.at(-1) ?? first }))
        checkAnswer(`the ${which} answer of ${variant.name} (${task.model})`, answer.text, task);
      return {
        firstAnswerMs: first.elapsedMs,
        loadMs: first.loadMs,
        memoryBytes,
        runs: answers.length,
        answerMs: toSpread(answers.map(({ elapsedMs }) => elapsedMs)).median,
        runMs: answers.reduce((sum, { inferMs }) => sum + inferMs, 0) / answers.length,
      };
    });
  } finally {
    await Promise.all(started.map(({ dispose }) => dispose()));
  }
}

/** The wasm memory of a fresh process with the model in it, before any run. */
export async function measureMemoryAfterLoad(
  { outdir, statePath, vars, readMemoryBytes }: ColdVariant,
  model: string,
): Promise<number> {
  const worker = await startLocalWorker({ outdir, statePath, vars });
  try {
    const url = new URL(`/v2/repository/models/${model}/load`, worker.url);
    const response = await fetch(url, { method: "POST" });
    if (!response.ok) throw new Error(`${url.pathname} answers: ${await response.text()}`);
    return await readMemoryBytes(worker.url);
  } finally {
    await worker.dispose();
  }
}

async function start(variant: ColdVariant, task: ColdTask): Promise<StartedWorker> {
  const { outdir, statePath, vars, readMemoryBytes } = variant;
  const worker = await startLocalWorker({ outdir, statePath, vars });
  try {
    // From now on there are a connection and an isolate, but no engine.
    await readJson(new URL("/v2/health/live", worker.url));
    const request: InferRequest = { id: "bench", inputs: task.inputs };
    const ask = createAsk(worker.url, task.model, JSON.stringify(request));
    const first = await ask();
    const memoryBytes = await readMemoryBytes(worker.url);
    return { variant, first, memoryBytes, ask, dispose: worker.dispose };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

export async function readJson(url: URL, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}: ${text}`);
  return JSON.parse(text);
}

function createAsk(origin: URL, model: string, body: string): () => Promise<Answer> {
  const url = new URL(`/v2/models/${model}/infer`, origin);
  // Node asks for gzip otherwise, which only one of the Workers knows.
  const headers = { "content-type": "application/json", "accept-encoding": "identity" };
  return async () => {
    const start = performance.now();
    const response = await fetch(url, { method: "POST", headers, body });
    const text = await response.text();
    const elapsedMs = performance.now() - start;
    if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}: ${text}`);
    const timing = response.headers.get("server-timing") ?? "";
    return { elapsedMs, loadMs: phase(timing, "load"), inferMs: phase(timing, "infer"), text };
  };
}

/** One request after the other, for so long, and at least one. */
async function askFor(ask: () => Promise<Answer>, seconds: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const end = performance.now() + seconds * 1000;
  do answers.push(await ask());
  while (performance.now() < end);
  return answers;
}

function phase(timing: string, name: string): number {
  const [, duration] = new RegExp(`\\b${name};dur=([\\d.]+)`).exec(timing) ?? [];
  if (duration === undefined) throw new Error(`server-timing has no ${name}: ${timing}`);
  return Number(duration);
}

function checkAnswer(who: string, text: string, { model, outputs, tolerance }: ColdTask): void {
  const { id, model_name, outputs: found } = JSON.parse(text) as Partial<InferResponse>;
  if (id !== "bench" || model_name !== model)
    throw new Error(`${who} belongs to another request: ${text}`);
  assertSameTensors(who, found, outputs, tolerance);
}
