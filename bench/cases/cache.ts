import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { seedModels } from "../../scripts/seed.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import type { CacheStatistics } from "../../src/domain/cache-statistics.ts";
import { buildOnnx } from "../../test/support/onnx-builder.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { readSample } from "../sample.ts";
import { toSpread, turn } from "../statistics.ts";
import type { Table } from "../table.ts";
import { applyVariedLoad, type VariedLoadResult } from "../varied-load.ts";

const ADMIN_KEY = "bench";
const WARM_UP_SECONDS = 1;
/**
 * Room for one answer: a connection asks for others of its own before it asks for one again, so none is
 * met while its answer is there.
 */
const SMALL_ISOLATE_BYTES = "600";
const IMAGE_SHAPE = [1, 3, 224, 224];

/** A model with different requests to it. */
interface Task {
  readonly model: string;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly Uint8Array[];
  readonly variants: readonly Variant[];
}

type BareWorker = "bare-echo" | "bare-telling" | "bare-body";

/** One way to be answered. */
interface Variant {
  readonly name: string;
  /** A folder of `bench/workers/`; the project's own Worker without it. */
  readonly worker?: BareWorker;
  readonly vars?: Readonly<Record<string, string>>;
  /** Whether every request is another one, or all are the same. */
  readonly varied?: boolean;
  /** The bare route that tells as much: the ratio to it is what the cache itself costs. */
  readonly telling?: string;
  /** How the statistics of the cache must have counted the requests. */
  readonly outcome?: "isolate" | "datacenter" | "kv" | "misses" | "bypasses";
}

const BARE = "bare Hono route, no model";
const BARE_HEADERS = "bare Hono route with a hit's headers";
const BARE_LINE = "the same, with a line on the console";
const BARE_BODY = "bare Hono route that reads the body";
const OFF = "cache off";
const OFF_VARIED = "cache off, other inputs each time";

const bareEcho: Variant = { name: BARE, worker: "bare-echo" };
const bareHeaders: Variant = { name: BARE_HEADERS, worker: "bare-telling", vars: { LOG: "off" } };
const bareLine: Variant = { name: BARE_LINE, worker: "bare-telling", vars: { LOG: "on" } };
const off: Variant = { name: OFF, vars: { CACHE_TIERS: "" }, outcome: "bypasses" };
const offVaried: Variant = { ...off, name: OFF_VARIED, varied: true };
const isolate: Variant = {
  name: "hit in the isolate",
  vars: { CACHE_TIERS: "isolate" },
  telling: BARE_LINE,
  outcome: "isolate",
};
const isolateQuiet: Variant = {
  name: "hit in the isolate, EVENT_LOG=off",
  vars: { CACHE_TIERS: "isolate", EVENT_LOG: "off" },
  telling: BARE_HEADERS,
  outcome: "isolate",
};
const datacenter: Variant = {
  name: "hit in the data centre",
  vars: { CACHE_TIERS: "datacenter", CACHE_OUTER_TIERS: "always" },
  outcome: "datacenter",
};
const kv: Variant = {
  name: "hit in KV",
  vars: { CACHE_TIERS: "kv", CACHE_OUTER_TIERS: "always" },
  outcome: "kv",
};
const miss: Variant = {
  name: "miss, other inputs each time",
  vars: { CACHE_ISOLATE_BYTES: SMALL_ISOLATE_BYTES },
  varied: true,
  outcome: "misses",
};

const TASKS: readonly Task[] = [
  tabularTask("iris-logistic", [
    bareEcho,
    bareHeaders,
    bareLine,
    off,
    isolate,
    isolateQuiet,
    datacenter,
    kv,
    offVaried,
    miss,
  ]),
  tabularTask("digits-cnn", [bareEcho, off, isolate, isolateQuiet, offVaried, miss]),
  {
    model: "mean",
    title: "a model that hardly computes, an image of 602,112 bytes",
    headers: { "inference-header-content-length": "0" },
    bodies: Array.from({ length: 32 }, (_, seed) => makeImage(seed)),
    variants: [
      { name: BARE_BODY, worker: "bare-body", vars: { HASH: "off" } },
      { name: "the same, and hashes it", worker: "bare-body", vars: { HASH: "on" } },
      isolate,
      offVaried,
      miss,
    ],
  },
];

/** By task and variant: one result for each round. */
type Results = Record<string, Record<string, VariedLoadResult[]>>;

export const cache: Benchmark = {
  name: "cache",
  description: "hits in each tier and misses, against the cache off and a bare route",
  async run(options) {
    options.report("building and seeding ...");
    const folders = await build();
    const raw: Results = {};
    for (let round = 0; round < options.rounds; round++)
      for (const task of TASKS)
        for (const variant of turn(task.variants, round)) {
          const result = await measure(task, variant, folders, options);
          raw[task.model] ??= {};
          const ofTask = raw[task.model] as Record<string, VariedLoadResult[]>;
          ofTask[variant.name] = [...(ofTask[variant.name] ?? []), result];
          options.report(
            `round ${round + 1} of ${options.rounds}, ${task.model}, ${variant.name}: ${Math.round(result.perSecond)}/s`,
          );
        }
    return { tables: TASKS.map((task) => toTable(task, raw[task.model] ?? {})), raw };
  },
};

interface Folders {
  readonly own: string;
  readonly bare: Readonly<Record<BareWorker, string>>;
  readonly state: string;
}

async function build(): Promise<Folders> {
  const own = createTemporaryFolder("bench-onnxflare");
  const [bareEcho, bareTelling, bareBody] = await Promise.all([
    buildVariant("bare-echo"),
    buildVariant("bare-telling"),
    buildVariant("bare-body"),
    buildWorker(own),
  ]);
  const state = createTemporaryFolder("bench-state");
  const worker = await startLocalWorker({ outdir: own, statePath: state, vars: { ADMIN_KEY } });
  try {
    await seedModels(await worker.bucket(), projectPath("models"));
    const response = await fetch(new URL("/admin/models/mean/versions/1", worker.url), {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: meanModel(),
    });
    if (!response.ok) throw new Error(`the model was not published: ${await response.text()}`);
  } finally {
    await worker.dispose();
  }
  const bare = { "bare-echo": bareEcho, "bare-telling": bareTelling, "bare-body": bareBody };
  return { own, bare, state };
}

async function measure(
  { model, headers, bodies }: Task,
  { name, worker: bare = undefined, vars = {}, varied = false, outcome }: Variant,
  folders: Folders,
  { connections, seconds }: BenchmarkOptions,
): Promise<VariedLoadResult> {
  const worker = await startLocalWorker({
    outdir: bare ? folders.bare[bare] : folders.own,
    // Models are read from here; answers in KV and the Cache API must not be those of another variant.
    statePath: folders.state,
    vars: { ADMIN_KEY, ANSWER: JSON.stringify({ outputs: [] }), ...vars },
  });
  try {
    const url = new URL(`/v2/models/${model}/infer`, worker.url);
    const [first = new Uint8Array()] = bodies;
    if (outcome) await warm(url, headers, first, outcome);
    const before = outcome && (await readStatistics(worker.url));
    const result = await applyVariedLoad({
      url,
      headers,
      bodies: varied ? bodies : [first],
      connections,
      seconds,
      warmUpSeconds: WARM_UP_SECONDS,
    });
    if (before) await checkOutcomes(name, outcome, before, worker.url, result);
    return result;
  } finally {
    await worker.dispose();
  }
}

/** Loads the model, and waits until the answer is where it is to be found. */
async function warm(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  outcome: Variant["outcome"],
): Promise<void> {
  for (;;) {
    const response = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}: ${text}`);
    const status = response.headers.get("cache-status") ?? "";
    if (outcome === "misses" || outcome === "bypasses" || status.endsWith(`detail=${outcome}`))
      return;
  }
}

async function readStatistics(url: URL): Promise<CacheStatistics> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const response = await fetch(new URL("/admin/cache", url), { headers });
  return (await response.json()) as CacheStatistics;
}

/** A rate of hits among which are misses says nothing. */
async function checkOutcomes(
  name: string,
  outcome: Variant["outcome"],
  before: CacheStatistics,
  url: URL,
  { allRequests }: VariedLoadResult,
): Promise<void> {
  const after = await readStatistics(url);
  const count = (statistics: CacheStatistics): number =>
    outcome === "misses" || outcome === "bypasses"
      ? statistics[outcome]
      : statistics.tiers[outcome ?? "isolate"].hits;
  const counted = count(after) - count(before);
  // What was on its way when the load ended was answered, but not to anybody.
  if (counted >= allRequests * 0.995) return;
  throw new Error(`${name}: ${counted} of ${allRequests} answers were ${outcome}`);
}

function toTable(
  { title, variants }: Task,
  results: Readonly<Record<string, readonly VariedLoadResult[]>>,
): Table {
  const rates = (name: string): number[] => (results[name] ?? []).map(({ perSecond }) => perSecond);
  /** Ratios are taken within a round, so that a machine that slows down between rounds cancels out. */
  const ratio = (name: string, base: string | undefined): string => {
    const bases = rates(base ?? "");
    if (bases.length === 0) return "";
    const { median, min, max } = toSpread(
      rates(name).map((value, round) => value / (bases[round] ?? Number.NaN)),
    );
    return `${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
  };
  return {
    title,
    columns: [
      "variant",
      "per second",
      "(min - max)",
      "us each",
      "p50 us",
      "p99 us",
      "of the bare route",
      "of one that tells as much",
      "of the cache off",
    ],
    rows: variants.map(({ name, varied, telling }) => {
      const rate = toSpread(rates(name));
      const latency = (which: "p50" | "p99"): string =>
        toSpread((results[name] ?? []).map(({ latencyUs }) => latencyUs[which])).median.toFixed(0);
      const bare = variants.find(({ worker }) => worker)?.name;
      return [
        name,
        rate.median.toFixed(0),
        `(${rate.min.toFixed(0)} - ${rate.max.toFixed(0)})`,
        (1e6 / rate.median).toFixed(0),
        latency("p50"),
        latency("p99"),
        ratio(name, bare),
        ratio(name, telling),
        ratio(name, varied ? OFF_VARIED : OFF),
      ];
    }),
  };
}

/** The first row of the batch that the tests use, with its first number changed a little each time. */
function tabularTask(model: string, variants: readonly Variant[]): Task {
  const { inputs } = readSample(model);
  const bodies = Array.from({ length: 400 }, (_, index) => {
    const varied = inputs.map((tensor) => ({
      ...tensor,
      data: tensor.data.map((value, position) => (position === 0 ? value + index / 1024 : value)),
    }));
    return Buffer.from(JSON.stringify({ id: "bench", inputs: varied }));
  });
  const headers = { "content-type": "application/json" };
  return {
    model,
    title: `${model}, ${bodies[0]?.length} bytes of JSON`,
    headers,
    bodies,
    variants,
  };
}

function meanModel(): Uint8Array<ArrayBuffer> {
  return buildOnnx({
    inputs: [{ name: "x", datatype: "FP32", shape: IMAGE_SHAPE }],
    outputs: [{ name: "y", datatype: "FP32", shape: [] }],
    nodes: [
      { op: "ReduceMean", inputs: ["x"], outputs: ["y"], attributes: { keepdims: { i: 0 } } },
    ],
  });
}

function makeImage(seed: number): Uint8Array {
  const pixels = new Float32Array(IMAGE_SHAPE.reduce((product, size) => product * size, 1));
  for (let index = 0; index < pixels.length; index++)
    pixels[index] = ((index * 31 + seed) % 256) / 255;
  return new Uint8Array(pixels.buffer);
}
