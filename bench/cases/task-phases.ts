import { readModelFile, readModelFolder } from "../../packages/cli/src/local/model-folder.ts";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { type ModelBucket, startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { imageSamples, type TaskSample } from "../task-samples.ts";
import { textSamples } from "../text-samples.ts";

const PHASES = [
  "parse",
  "decode",
  "preprocess",
  "infer",
  "postprocess",
  "serialize",
  "total",
] as const;
type Phase = (typeof PHASES)[number];

/** One sample in one round, per item. */
interface Measurement {
  readonly items: number;
  /** From request to response, measured by the client. */
  readonly itemMs: number;
  readonly phasesMs: Readonly<Record<Phase, number>>;
}

/** By model and sample: one measurement for each round. */
type Measurements = Record<string, Record<string, Measurement[]>>;

export const taskPhases: Benchmark = {
  name: "task-phases",
  description: "duration of each phase of the task API, for photographs and texts",
  async run(options) {
    options.report("building and generating photographs ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    const [images] = await Promise.all([imageSamples(), buildWorker(outdir)]);
    const samples = [...images, ...textSamples()];
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      await measureRound(outdir, rotate(samples, round), round, options, raw);
    const models = [...new Set(samples.map(({ model }) => model))];
    return { tables: models.map((model) => toTable(model, samples, raw[model] ?? {})), raw };
  },
};

/** Measures all samples on one fresh Worker, one after the other. */
async function measureRound(
  outdir: string,
  samples: readonly TaskSample[],
  round: number,
  { rounds, seconds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const worker = await startLocalWorker({ outdir, vars: { EVENT_LOG: "off", CACHE_TIERS: "" } });
  try {
    await seedModels(await worker.bucket(), projectPath("models"));
    await publishVariants(await worker.bucket(), samples);
    for (const sample of samples) {
      await predict(worker.url, sample);
      const measurement = await measure(worker.url, sample, seconds);
      raw[sample.model] ??= {};
      const ofModel = raw[sample.model] as Record<string, Measurement[]>;
      ofModel[sample.name] ??= [];
      ofModel[sample.name]?.push(measurement);
      report(
        `round ${round + 1} of ${rounds}, ${sample.model}, ${sample.name}: ${measurement.itemMs.toFixed(1)} ms per item`,
      );
    }
  } finally {
    await worker.dispose();
  }
}

/** Publishes the models with a different `maxBatch`, each under its own name. */
async function publishVariants(bucket: ModelBucket, samples: readonly TaskSample[]): Promise<void> {
  const models = readModelFolder(projectPath("models"));
  for (const sample of samples) {
    if (sample.maxBatch === undefined) continue;
    const model = models.find(({ manifest }) => manifest.name === sample.model);
    if (!model) throw new Error(`no model ${sample.model} in models/`);
    const { manifest } = model;
    const id = { name: servedName(sample), version: manifest.version };
    for (const { path } of manifest.files)
      await bucket.put(fileKey(id, path), readModelFile(model, path));
    const preprocess = { ...manifest.preprocess, maxBatch: sample.maxBatch };
    await bucket.put(manifestKey(id), JSON.stringify({ ...manifest, ...id, preprocess }));
  }
}

function servedName({ model, maxBatch }: TaskSample): string {
  return maxBatch === undefined ? model : `${model}-${maxBatch}`;
}

async function measure(url: URL, sample: TaskSample, seconds: number): Promise<Measurement> {
  const sums: Record<Phase, number> = {
    decode: 0,
    preprocess: 0,
    infer: 0,
    postprocess: 0,
    parse: 0,
    serialize: 0,
    total: 0,
  };
  const start = performance.now();
  let items = 0;
  do {
    const timing = await predict(url, sample);
    for (const phase of PHASES) sums[phase] += timing[phase] ?? 0;
    items += sample.items;
  } while (performance.now() - start < seconds * 1000);
  const perItem = (ms: number): number => ms / items;
  const phases = PHASES.map((phase) => [phase, perItem(sums[phase])]);
  return {
    items,
    itemMs: perItem(performance.now() - start),
    phasesMs: Object.fromEntries(phases),
  };
}

/** Sends one request. @returns its `server-timing` durations in milliseconds, by phase */
async function predict(url: URL, sample: TaskSample): Promise<Partial<Record<string, number>>> {
  const { contentType, body, check } = sample;
  const model = servedName(sample);
  const response = await fetch(new URL(`/models/${model}`, url), {
    method: "POST",
    headers: { "content-type": contentType },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${model} responded ${response.status}: ${text}`);
  check(JSON.parse(text));
  const timing = response.headers.get("server-timing") ?? "";
  return Object.fromEntries(
    [...timing.matchAll(/([\w-]+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]),
  );
}

function toTable(
  model: string,
  samples: readonly TaskSample[],
  measurements: Readonly<Record<string, readonly Measurement[]>>,
): Table {
  const own = samples.filter((sample) => sample.model === model);
  return {
    title: `${model}, milliseconds per item`,
    columns: [
      "request",
      "per item",
      "(min - max)",
      "parse",
      "decode",
      "preprocess",
      "infer",
      "postprocess",
      "preprocess / infer",
      "(min - max)",
      "infer / first row",
      "(min - max)",
    ],
    rows: own.map(({ name }) => {
      const rounds = measurements[name] ?? [];
      const item = toSpread(rounds.map(({ itemMs }) => itemMs));
      const median = (phase: Phase): string =>
        toSpread(rounds.map(({ phasesMs }) => phasesMs[phase])).median.toFixed(2);
      const first = measurements[own[0]?.name ?? ""] ?? [];
      const inferRatio = toSpread(
        rounds.map(({ phasesMs }, round) => phasesMs.infer / (first[round]?.phasesMs.infer ?? 0)),
      );
      const share = toSpread(rounds.map(({ phasesMs }) => phasesMs.preprocess / phasesMs.infer));
      return [
        name,
        item.median.toFixed(1),
        `(${item.min.toFixed(1)} - ${item.max.toFixed(1)})`,
        median("parse"),
        median("decode"),
        median("preprocess"),
        median("infer"),
        median("postprocess"),
        share.median.toFixed(2),
        `(${share.min.toFixed(2)} - ${share.max.toFixed(2)})`,
        inferRatio.median.toFixed(2),
        `(${inferRatio.min.toFixed(2)} - ${inferRatio.max.toFixed(2)})`,
      ];
    }),
  };
}
