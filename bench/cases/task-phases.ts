import { buildWorker } from "../../scripts/build-worker.ts";
import { type ModelBucket, startLocalWorker } from "../../scripts/local-worker.ts";
import { readModelFile, readModelFolder } from "../../scripts/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { seedModels } from "../../scripts/seed.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { toSpread, turn } from "../statistics.ts";
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

/** Of one sample in one round, for each item. */
interface Measurement {
  readonly items: number;
  /** From request to answer, measured by the client. */
  readonly eachMs: number;
  readonly phasesMs: Readonly<Record<Phase, number>>;
}

/** By model and sample: one measurement for each round. */
type Measurements = Record<string, Record<string, Measurement[]>>;

export const taskPhases: Benchmark = {
  name: "task-phases",
  description: "what the task door spends on each phase, from a photograph or a text to its answer",
  async run(options) {
    options.report("building and making photographs ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    const [images] = await Promise.all([imageSamples(), buildWorker(outdir)]);
    const samples = [...images, ...textSamples()];
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      await measureRound(outdir, turn(samples, round), round, options, raw);
    const models = [...new Set(samples.map(({ model }) => model))];
    return { tables: models.map((model) => toTable(model, samples, raw[model] ?? {})), raw };
  },
};

/** One fresh Worker for all samples, asked in turns. */
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
      await ask(worker.url, sample);
      const measurement = await measure(worker.url, sample, seconds);
      raw[sample.model] ??= {};
      const ofModel = raw[sample.model] as Record<string, Measurement[]>;
      ofModel[sample.name] ??= [];
      ofModel[sample.name]?.push(measurement);
      report(
        `round ${round + 1} of ${rounds}, ${sample.model}, ${sample.name}: ${measurement.eachMs.toFixed(1)} ms`,
      );
    }
  } finally {
    await worker.dispose();
  }
}

/** The models with another `maxBatch`, each under a name of its own. */
async function publishVariants(bucket: ModelBucket, samples: readonly TaskSample[]): Promise<void> {
  const models = readModelFolder(projectPath("models"));
  for (const sample of samples) {
    if (sample.maxBatch === undefined) continue;
    const model = models.find(({ manifest }) => manifest.name === sample.model);
    if (!model) throw new Error(`models/ has no ${sample.model}`);
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
    const timing = await ask(url, sample);
    for (const phase of PHASES) sums[phase] += timing[phase] ?? 0;
    items += sample.items;
  } while (performance.now() - start < seconds * 1000);
  const each = (ms: number): number => ms / items;
  const phases = PHASES.map((phase) => [phase, each(sums[phase])]);
  return {
    items,
    eachMs: each(performance.now() - start),
    phasesMs: Object.fromEntries(phases),
  };
}

/** One request; its `server-timing`. */
async function ask(url: URL, sample: TaskSample): Promise<Partial<Record<string, number>>> {
  const { contentType, body, check } = sample;
  const model = servedName(sample);
  const response = await fetch(new URL(`/models/${model}`, url), {
    method: "POST",
    headers: { "content-type": contentType },
    body,
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${model} answers ${response.status}: ${answer}`);
  check(JSON.parse(answer));
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
    title: `${model}, milliseconds for each item`,
    columns: [
      "request",
      "each",
      "(min - max)",
      "decode",
      "preprocess",
      "infer",
      "postprocess",
      "preprocess / infer",
      "(min - max)",
      "infer / the first",
      "(min - max)",
    ],
    rows: own.map(({ name }) => {
      const rounds = measurements[name] ?? [];
      const each = toSpread(rounds.map(({ eachMs }) => eachMs));
      const median = (phase: Phase): string =>
        toSpread(rounds.map(({ phasesMs }) => phasesMs[phase])).median.toFixed(2);
      const first = measurements[own[0]?.name ?? ""] ?? [];
      const slower = toSpread(
        rounds.map(({ phasesMs }, round) => phasesMs.infer / (first[round]?.phasesMs.infer ?? 0)),
      );
      const share = toSpread(rounds.map(({ phasesMs }) => phasesMs.preprocess / phasesMs.infer));
      return [
        name,
        each.median.toFixed(1),
        `(${each.min.toFixed(1)} - ${each.max.toFixed(1)})`,
        median("decode"),
        median("preprocess"),
        median("infer"),
        median("postprocess"),
        share.median.toFixed(2),
        `(${share.min.toFixed(2)} - ${share.max.toFixed(2)})`,
        slower.median.toFixed(2),
        `(${slower.min.toFixed(2)} - ${slower.max.toFixed(2)})`,
      ];
    }),
  };
}
