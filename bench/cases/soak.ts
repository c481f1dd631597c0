import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { toOrtFormat } from "../../scripts/ort-format.ts";
import { projectPath } from "../../scripts/project.ts";
import type { RuntimeStats } from "../../src/domain/ports.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { readJson } from "../cold-start-worker.ts";
import { buildDenseModel, denseInputs } from "../dense-model.ts";
import { HEADERS } from "../load.ts";
import { readSample } from "../sample.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { assertSameTensors, type InferResponse, type JsonTensor } from "../tensor-json.ts";
import { readWorkerd } from "../workerd-process.ts";

/** Each needs a dedicated cell; together with the small ones they need 1.5 times the budget. */
const LARGE = [
  { width: 512, hiddenLayers: 20, form: "ort" },
  { width: 512, hiddenLayers: 12, form: "onnx" },
  { width: 1024, hiddenLayers: 10, form: "ort" },
  { width: 1024, hiddenLayers: 20, form: "ort" },
] as const;
/** They share a cell. */
const SMALL = ["iris-logistic", "wine-decision-tree", "digits-cnn", "breast-cancer-svm"];

const ADMIN_KEY = "bench";
const MAX_SAMPLES = 200;
/** Resident memory varies with garbage collections, so a point is the median of a tenth of the samples. */
const TENTH = 0.1;

interface Sample {
  readonly cycle: number;
  readonly residentBytes: number;
  readonly runtime: RuntimeStats;
}

interface ModelRequest {
  readonly model: string;
  readonly body: string;
}

export const soak: Benchmark = {
  name: "soak",
  description: "resident memory while more models than fit are repeatedly loaded and evicted",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const worker = await startLocalWorker({
      outdir,
      vars: { ADMIN_KEY, CACHE_TIERS: "", EVENT_LOG: "off" },
    });
    try {
      const requests = await publish(worker);
      const samples = await cycle(worker, requests, options);
      return { tables: [toTable(requests.length, samples)], raw: samples };
    } finally {
      await worker.dispose();
    }
  },
};

async function publish(worker: LocalWorker): Promise<ModelRequest[]> {
  await seedModels(await worker.bucket(), projectPath("models"));
  const requests = SMALL.map((model) => toRequest(model, readSample(model).inputs));
  for (const { form, ...shape } of LARGE) {
    const model = `dense-${shape.width}-${shape.hiddenLayers}`;
    const onnx = buildDenseModel(shape);
    const response = await fetch(new URL(`/admin/models/${model}/versions/1`, worker.url), {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: form === "ort" ? await toOrtFormat(onnx, "all") : onnx,
    });
    if (!response.ok) throw new Error(`publishing ${model} failed: ${await response.text()}`);
    requests.push(toRequest(model, denseInputs()));
  }
  return requests;
}

function toRequest(model: string, inputs: readonly JsonTensor[]): ModelRequest {
  return { model, body: JSON.stringify({ inputs }) };
}

/** Sends one request to each model per cycle, so that the least recently used model comes next. */
async function cycle(
  worker: LocalWorker,
  requests: readonly ModelRequest[],
  { cycles, report }: BenchmarkOptions,
): Promise<Sample[]> {
  const first = new Map<string, readonly JsonTensor[]>();
  const samples: Sample[] = [];
  const wanted = Math.min(MAX_SAMPLES, cycles);
  for (let done = 1; done <= cycles; done++) {
    for (const { model, body } of requests) {
      const outputs = await infer(worker.url, model, body);
      const expected = first.get(model);
      if (expected) assertSameTensors(model, outputs, expected, () => 0);
      else first.set(model, outputs);
    }
    if (Math.floor((done * wanted) / cycles) === samples.length) continue;
    const runtime = (await readJson(new URL("/admin/runtime", worker.url), {
      authorization: `Bearer ${ADMIN_KEY}`,
    })) as RuntimeStats;
    const { usedBytes, budgetBytes, crashes } = runtime;
    if (usedBytes > budgetBytes || crashes > 0)
      throw new Error(`${crashes} crashes, ${usedBytes} bytes of ${budgetBytes} used`);
    const { residentBytes } = readWorkerd();
    samples.push({ cycle: done, residentBytes, runtime });
    if (samples.length % Math.ceil(TENTH * wanted) === 0)
      report(`${done} of ${cycles} cycles: ${toMegabytes(residentBytes)} MB resident`);
  }
  return samples;
}

async function infer(origin: URL, model: string, body: string): Promise<readonly JsonTensor[]> {
  const url = new URL(`/v2/models/${model}/infer`, origin);
  const response = await fetch(url, { method: "POST", headers: HEADERS, body });
  if (!response.ok)
    throw new Error(`${url} responded ${response.status}: ${await response.text()}`);
  return ((await response.json()) as InferResponse).outputs;
}

function toTable(models: number, samples: readonly Sample[]): Table {
  const tenth = Math.ceil(TENTH * samples.length);
  const points = [TENTH, 0.5, 1].map((share) => {
    const end = Math.ceil(share * samples.length);
    return { share, window: samples.slice(Math.max(0, end - tenth), end) };
  });
  const settled = samples.slice(samples.length > tenth ? tenth : 0);
  const { min, max } = toSpread(settled.map(({ residentBytes }) => residentBytes));
  const slope = slopeBytes(settled) * 1000;
  return {
    title: `${models} models in rotation; after the first tenth ${toMegabytes(min)} to ${toMegabytes(max)} MB resident, slope ${toMegabytes(slope)} MB per 1000 cycles`,
    columns: [
      "share of cycles",
      "cycles",
      "resident MB",
      "(min - max)",
      "loads",
      "evictions",
      "budget used MB",
      "budget MB",
    ],
    rows: points.map(({ share, window }) => {
      const resident = toSpread(window.map(({ residentBytes }) => residentBytes));
      const last = window.at(-1);
      return [
        `${100 * share} %`,
        `${last?.cycle ?? 0}`,
        toMegabytes(resident.median),
        `(${toMegabytes(resident.min)} - ${toMegabytes(resident.max)})`,
        `${last?.runtime.loads ?? 0}`,
        `${last?.runtime.evictions ?? 0}`,
        toMegabytes(last?.runtime.usedBytes ?? 0),
        toMegabytes(last?.runtime.budgetBytes ?? 0),
      ];
    }),
  };
}

/** Least squares, in bytes per cycle. */
function slopeBytes(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanCycle = mean(samples.map(({ cycle }) => cycle));
  const meanBytes = mean(samples.map(({ residentBytes }) => residentBytes));
  let covariance = 0;
  let variance = 0;
  for (const { cycle, residentBytes } of samples) {
    covariance += (cycle - meanCycle) * (residentBytes - meanBytes);
    variance += (cycle - meanCycle) ** 2;
  }
  return covariance / variance;
}

function toMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
