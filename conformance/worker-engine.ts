import { readFileSync } from "node:fs";
import { seedModels } from "../packages/cli/src/local/seed.ts";
import { reason } from "../packages/cli/src/local/user-error.ts";
import { type LocalWorker, startLocalWorker } from "../scripts/local-worker.ts";
import { projectPath } from "../scripts/project.ts";
import type { Tensor } from "../src/domain/tensor.ts";
import type { TestCase } from "./cases.ts";
import { findDifference } from "./compare.ts";
import type { EngineResult, Reason } from "./outcome.ts";
import { parseOutputs, serializeTensor } from "./tensor-json.ts";

export interface WorkerEngine {
  /** Publishes the case's model, runs it once for each data set, and deletes it. */
  run(testCase: TestCase): Promise<EngineResult>;
  /** Runs a probe model that stays published; what is wrong with its outputs, or `undefined`. */
  findHealthProblem(): Promise<string | undefined>;
  /** The wasm memory of all cells, in bytes. */
  memoryBytes(): Promise<number>;
  dispose(): Promise<void>;
}

const ADMIN_KEY = "conformance";
/** The largest value of the setting: some inputs are large as JSON. */
const MAX_BODY_BYTES = "100000000";
/** Far more than any case needs: every case takes less than a second. */
const TIMEOUT_MS = 120_000;
/** Its expected outputs are scikit-learn's. */
const PROBE = "iris-logistic";
const PROBE_TOLERANCE = { relative: 0, absolute: 1e-6 };

/** Starts the built Worker in workerd; cases reach it over HTTP only. */
export async function startWorkerEngine(): Promise<WorkerEngine> {
  const worker = await startLocalWorker({ vars: { ADMIN_KEY, EVENT_LOG: "off", MAX_BODY_BYTES } });
  await seedModels(await worker.bucket(), projectPath("models"));
  const probeFile = projectPath("test", "fixtures", "expected", `${PROBE}.json`);
  const probe = readFileSync(probeFile, "utf8");
  const { inputs } = JSON.parse(probe) as { inputs: unknown };
  const probeRequest = JSON.stringify({ inputs });
  const probeExpected = parseOutputs(probe);
  let published = 0;
  return {
    async run(testCase) {
      // Names of cases are not valid model names; the number makes each name unique.
      const name = `case-${++published}`;
      try {
        return await runCase(worker, name, testCase);
      } catch (error) {
        return toFailure(error);
      }
    },
    async findHealthProblem() {
      try {
        const outputs = await infer(worker, PROBE, probeRequest);
        return findDifference(probeExpected, outputs, PROBE_TOLERANCE);
      } catch (error) {
        return toFailure(error).detail;
      }
    },
    async memoryBytes() {
      const stats = JSON.parse(await request(worker, "GET", "/admin/runtime"));
      return (stats as { usedBytes: number }).usedBytes;
    },
    dispose: () => worker.dispose(),
  };
}

async function runCase(
  worker: LocalWorker,
  name: string,
  { model, dataSets }: TestCase,
): Promise<EngineResult> {
  const path = `/admin/models/${name}/versions/1`;
  await request(worker, "PUT", path, model);
  try {
    const outputs: Tensor[][] = [];
    for (const { inputs } of dataSets) {
      const body = `{"inputs":[${inputs.map(serializeTensor).join(",")}]}`;
      outputs.push(await infer(worker, name, body));
    }
    return { outputs };
  } finally {
    await request(worker, "DELETE", path);
  }
}

async function infer(worker: LocalWorker, name: string, body: string): Promise<Tensor[]> {
  return parseOutputs(await request(worker, "POST", `/v2/models/${name}/infer`, body));
}

/** An error response of the Worker. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws RefusedError for any status but 2xx */
async function request(
  { url }: LocalWorker,
  method: string,
  path: string,
  body?: string | Buffer<ArrayBuffer>,
): Promise<string> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: body ?? null,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.ok) return text;
  const { code, detail, error } = parseError(text);
  throw new RefusedError(code ?? `status ${response.status}`, detail ?? error ?? text);
}

function parseError(text: string): { code?: string; detail?: string; error?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** The reasons for the Worker's error codes; any other code is unexpected. */
const REASON_OF_CODE: Readonly<Record<string, Reason>> = {
  invalid_model: "model_refused",
  inference_failed: "input_refused",
  invalid_datatype: "input_refused",
  invalid_input: "input_refused",
  invalid_shape: "input_refused",
  value_out_of_range: "input_refused",
  engine_crashed: "crashed",
};

function toFailure(error: unknown): { reason: Reason; detail: string } {
  if (!(error instanceof RefusedError)) return { reason: "failed", detail: reason(error) };
  const { code, message } = error;
  return { reason: REASON_OF_CODE[code] ?? "failed", detail: `${code}: ${message}` };
}
