import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { CacheStatistics } from "../../src/domain/cache-statistics.ts";
import { buildOnnx } from "../../test/support/onnx-builder.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { readSample } from "../sample.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { applyVariedLoad, type VariedLoadResult } from "../varied-load.ts";

const ADMIN_KEY = "bench";
const WARM_UP_SECONDS = 1;
/**
 * Memory for one entry: a connection sends its other bodies before it repeats one, so each entry is evicted
 * before its next request.
 */
const SMALL_ISOLATE_BYTES = "600";
const IMAGE_SHAPE = [1, 3, 224, 224];

/** A model and its requests. */
interface Workload {
  readonly model: string;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly Uint8Array[];
  readonly variants: readonly Variant[];
}

type BareWorker = "bare-json" | "bare-json-headers" | "bare-body";

/** A Worker and its settings. */
interface Variant {
  readonly name: string;
  /** A folder of `bench/workers/`; default: the project's Worker. */
  readonly worker?: BareWorker;
  readonly vars?: Readonly<Record<string, string>>;
  /** Whether the requests have different inputs; otherwise all are equal. */
  readonly varied?: boolean;
  /** The bare route with the same headers and log line: the ratio to it is the cost of the cache itself. */
  readonly sameHeaders?: string;
  /** The counter of the cache statistics that must have counted the requests. */
  readonly outcome?: "isolate" | "datacenter" | "kv" | "misses" | "bypasses";
}

const BARE = "bare Hono route, no model";
const BARE_HEADERS = "bare Hono route, headers of a hit";
const BARE_LOG = "bare Hono route, headers of a hit, one log line";
const BARE_BODY = "bare Hono route that reads the body";
const OFF = "cache off";
const OFF_VARIED = "cache off, varied inputs";

const bareJson: Variant = { name: BARE, worker: "bare-json" };
const bareHeaders: Variant = {
  name: BARE_HEADERS,
  worker: "bare-json-headers",
  vars: { LOG: "off" },
};
const bareLog: Variant = { name: BARE_LOG, worker: "bare-json-headers", vars: { LOG: "on" } };
const off: Variant = { name: OFF, vars: { CACHE_TIERS: "" }, outcome: "bypasses" };
const offVaried: Variant = { ...off, name: OFF_VARIED, varied: true };
const isolate: Variant = {
  name: "hit in the isolate",
  vars: { CACHE_TIERS: "isolate" },
  sameHeaders: BARE_LOG,
  outcome: "isolate",
};
const isolateWithoutLog: Variant = {
  name: "hit in the isolate, EVENT_LOG=off",
  vars: { CACHE_TIERS: "isolate", EVENT_LOG: "off" },
  sameHeaders: BARE_HEADERS,
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
  name: "miss, varied inputs",
  vars: { CACHE_ISOLATE_BYTES: SMALL_ISOLATE_BYTES },
  varied: true,
  outcome: "misses",
};

const WORKLOADS: readonly Workload[] = [
  tabularWorkload("iris-logistic", [
    bareJson,
    bareHeaders,
    bareLog,
    off,
    isolate,
    isolateWithoutLog,
    datacenter,
    kv,
    offVaried,
    miss,
  ]),
  tabularWorkload("digits-cnn", [bareJson, off, isolate, isolateWithoutLog, offVaried, miss]),
  {
    model: "mean",
    title: "mean of an image, 602,112 bytes of binary data",
    headers: { "inference-header-content-length": "0" },
    bodies: Array.from({ length: 32 }, (_, seed) => makeImage(seed)),
    variants: [
      { name: BARE_BODY, worker: "bare-body", vars: { HASH: "off" } },
      {
        name: "bare Hono route that reads the body, SHA-256",
        worker: "bare-body",
        vars: { HASH: "on" },
      },
      isolate,
      offVaried,
      miss,
    ],
  },
];

/** By workload and variant: one result for each round. */
type Results = Record<string, Record<string, VariedLoadResult[]>>;

export const cache: Benchmark = {
  name: "cache",
  description: "hits in each tier and misses, compared with the cache off and with a bare route",
  async run(options) {
    options.report("building and seeding ...");
    const folders = await build();
    const raw: Results = {};
    for (let round = 0; round < options.rounds; round++)
      for (const workload of WORKLOADS)
        for (const variant of rotate(workload.variants, round)) {
          const result = await measure(workload, variant, folders, options);
          raw[workload.model] ??= {};
          const ofWorkload = raw[workload.model] as Record<string, VariedLoadResult[]>;
          ofWorkload[variant.name] = [...(ofWorkload[variant.name] ?? []), result];
          options.report(
            `round ${round + 1} of ${options.rounds}, ${workload.model}, ${variant.name}: ${Math.round(result.perSecond)}/s`,
          );
        }
    return {
      tables: WORKLOADS.map((workload) => toTable(workload, raw[workload.model] ?? {})),
      raw,
    };
  },
};

interface Folders {
  readonly own: string;
  readonly bare: Readonly<Record<BareWorker, string>>;
  readonly state: string;
}

async function build(): Promise<Folders> {
  const own = createTemporaryFolder("bench-onnxflare");
  const [bareJson, bareJsonHeaders, bareBody] = await Promise.all([
    buildVariant("bare-json"),
    buildVariant("bare-json-headers"),
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
    if (!response.ok) throw new Error(`publishing the model failed: ${await response.text()}`);
  } finally {
    await worker.dispose();
  }
  const bare = {
    "bare-json": bareJson,
    "bare-json-headers": bareJsonHeaders,
    "bare-body": bareBody,
  };
  return { own, bare, state };
}

async function measure(
  { model, headers, bodies }: Workload,
  { name, worker: bare = undefined, vars = {}, varied = false, outcome }: Variant,
  folders: Folders,
  { connections, seconds }: BenchmarkOptions,
): Promise<VariedLoadResult> {
  const worker = await startLocalWorker({
    outdir: bare ? folders.bare[bare] : folders.own,
    // Only models are read from here: each Worker starts with its own KV and Cache API.
    statePath: folders.state,
    vars: { ADMIN_KEY, RESPONSE: JSON.stringify({ outputs: [] }), ...vars },
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

/** Remote tiers are written after the response, within a few requests. */
const MAX_WARM_UP_REQUESTS = 10_000;

/**
 * Loads the model, and repeats the request until it is a hit in the expected tier.
 * @throws Error when it does not become one
 */
async function warm(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  outcome: Variant["outcome"],
): Promise<void> {
  for (let requests = 0; requests < MAX_WARM_UP_REQUESTS; requests++) {
    const response = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url.pathname} responded ${response.status}: ${text}`);
    const status = response.headers.get("cache-status") ?? "";
    if (outcome === "misses" || outcome === "bypasses" || status.endsWith(`detail=${outcome}`))
      return;
  }
  throw new Error(
    `${url.pathname} is not a hit in ${outcome} after ${MAX_WARM_UP_REQUESTS} requests`,
  );
}

async function readStatistics(url: URL): Promise<CacheStatistics> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const response = await fetch(new URL("/admin/cache", url), { headers });
  return (await response.json()) as CacheStatistics;
}

/** @throws Error when fewer than 99.5 % of the requests had the expected outcome */
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
  // Responses to the requests in flight at the end of the load are counted by the Worker only.
  if (counted >= allRequests * 0.995) return;
  throw new Error(`${name}: ${counted} of ${allRequests} requests counted as ${outcome}`);
}

function toTable(
  { title, variants }: Workload,
  results: Readonly<Record<string, readonly VariedLoadResult[]>>,
): Table {
  const rates = (name: string): number[] => (results[name] ?? []).map(({ perSecond }) => perSecond);
  /** Ratios are computed within a round, which cancels a machine that slows down between rounds. */
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
      "requests/s",
      "(min - max)",
      "us/request",
      "p50 us",
      "p99 us",
      "/ bare route",
      "/ same headers and log",
      "/ cache off",
    ],
    rows: variants.map(({ name, varied, sameHeaders }) => {
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
        ratio(name, sameHeaders),
        ratio(name, varied ? OFF_VARIED : OFF),
      ];
    }),
  };
}

/** Bodies with the first row of the test fixture's batch and a different first number each. */
function tabularWorkload(model: string, variants: readonly Variant[]): Workload {
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
