import { createHash } from "node:crypto";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { toOrtFormat } from "../../scripts/ort-format.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import { buildDenseModel } from "../dense-model.ts";
import { rotate, type Spread, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { readWorkerd } from "../workerd-process.ts";

const ADMIN_KEY = "bench";
const MEGABYTE = 1_000_000;
const PART_BYTES = 8_388_608;
const SAMPLE_MS = 10;
/** Hidden layers of 1,024 units have 1 MB of weights each. */
const WIDTH = 1024;
/** By the megabytes of the model: an upload that holds nothing takes the same memory for all but the smallest ones. */
const LAYERS = [2, 21, 61, 122];
/** With their memory, larger models could not be loaded. */
const MAX_PUBLISHED_BYTES = 67_108_864;
const BARE = "bare: the body is handed to R2";

const VARS = { ADMIN_KEY, EVENT_LOG: "off", MAX_MODEL_BYTES: String(200 * MEGABYTE) };

interface Variant {
  readonly name: string;
  readonly isBare?: boolean;
  readonly send: (version: URL, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
}

const VARIANTS: readonly Variant[] = [
  {
    name: BARE,
    isBare: true,
    send: (version, bytes) => put(version, bytes, {}),
  },
  {
    name: "whole",
    send: (version, bytes) => put(version, bytes, {}),
  },
  {
    name: "whole, digest checked",
    send: (version, bytes) => put(version, bytes, { "repr-digest": digestOf(bytes) }),
  },
  {
    name: "in parts of 8 MiB",
    async send(version, bytes) {
      const digest = digestOf(bytes);
      for (let start = 0; start < bytes.byteLength; start += PART_BYTES) {
        const part = bytes.subarray(start, start + PART_BYTES);
        const end = start + part.byteLength - 1;
        await put(version, part, {
          "content-range": `bytes ${start}-${end}/${bytes.byteLength}`,
          "repr-digest": digest,
        });
      }
    },
  },
];

interface Measurement {
  readonly megabytes: number;
  /** Of resident memory, above that before the upload. */
  readonly uploadPeakBytes: number;
  readonly uploadMs: number;
  /** With the model loaded, which stays in memory. */
  readonly publication?: { readonly peakBytes: number; readonly durationMs: number };
}

/** By variant and size: one measurement for each round. */
type Measurements = Record<string, Measurement[]>;

export const upload: Benchmark = {
  name: "upload",
  description: "memory of the Worker while models of up to 60 MB are uploaded and published",
  async run(options) {
    options.report("building ...");
    const own = createTemporaryFolder("bench-onnxflare");
    await buildWorker(own);
    const bare = await buildVariant("bare-upload");
    const models: Uint8Array<ArrayBuffer>[] = [];
    for (const hiddenLayers of LAYERS) {
      const onnx = buildDenseModel({ width: WIDTH, hiddenLayers });
      models.push(Uint8Array.from(await toOrtFormat(onnx, "all")));
    }
    const raw: Measurements = {};
    for (let round = 0; round < options.rounds; round++)
      for (const variant of rotate(VARIANTS, round))
        for (const model of models)
          await measure(variant.isBare ? bare : own, variant, model, round, options, raw);
    return { tables: [toTable(raw)], raw };
  },
};

async function measure(
  outdir: string,
  { name, isBare, send }: Variant,
  model: Uint8Array<ArrayBuffer>,
  round: number,
  { rounds, report }: BenchmarkOptions,
  raw: Measurements,
): Promise<void> {
  const worker = await startLocalWorker({ outdir, vars: VARS });
  try {
    const versionOf = (version: number): URL =>
      new URL(`/admin/models/uploaded/versions/${version}/`, worker.url);
    // The code of the routes and the buffers of connections are not those of a file.
    await send(versionOf(1), model.slice(0, PART_BYTES));
    const version = versionOf(2);
    const uploaded = await watchMemory(() => send(version, model));
    const isPublished = !isBare && model.byteLength <= MAX_PUBLISHED_BYTES;
    const megabytes = Math.round(model.byteLength / MEGABYTE);
    raw[`${name}, ${megabytes} MB`] ??= [];
    raw[`${name}, ${megabytes} MB`]?.push({
      megabytes,
      uploadPeakBytes: uploaded.peakBytes,
      uploadMs: uploaded.durationMs,
      ...(isPublished && { publication: await watchMemory(() => publish(version)) }),
    });
    report(
      `round ${round + 1} of ${rounds}, ${name}, ${megabytes} MB: ${toMegabytes(uploaded.peakBytes)} MB more memory at most`,
    );
  } finally {
    await worker.dispose();
  }
}

/** The most resident memory during the work, above that before it. */
async function watchMemory(
  work: () => Promise<void>,
): Promise<{ peakBytes: number; durationMs: number }> {
  const before = readWorkerd().residentBytes;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, readWorkerd().residentBytes);
  }, SAMPLE_MS);
  const start = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  const durationMs = performance.now() - start;
  return { peakBytes: Math.max(peak, readWorkerd().residentBytes) - before, durationMs };
}

async function put(
  version: URL,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  await request(new URL("files/model.ort", version), {
    method: "PUT",
    body,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
  });
}

async function publish(version: URL): Promise<void> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  await request(new URL("publish", version), { method: "POST", headers });
}

async function request(url: URL, init: RequestInit): Promise<void> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${init.method} ${url.pathname} failed: ${text}`);
}

function digestOf(bytes: Uint8Array): string {
  return `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
}

function toTable(raw: Measurements): Table {
  return {
    title: "Memory of workerd above that before, MB at most, and duration",
    columns: ["upload", "upload, MB", "upload, ms", "publication, MB", "publication, ms"],
    rows: Object.entries(raw).map(([name, measurements]) => {
      const spread = (value: (measurement: Measurement) => number): Spread =>
        toSpread(measurements.map(value));
      return [
        name,
        formatSpread(spread(({ uploadPeakBytes }) => uploadPeakBytes / MEGABYTE)),
        spread(({ uploadMs }) => uploadMs).median.toFixed(0),
        ...formatPublications(measurements),
      ];
    }),
  };
}

function formatPublications(measurements: readonly Measurement[]): string[] {
  const publications = measurements.flatMap(({ publication }) => publication ?? []);
  if (publications.length === 0) return ["", ""];
  return [
    formatSpread(toSpread(publications.map(({ peakBytes }) => peakBytes / MEGABYTE))),
    toSpread(publications.map(({ durationMs }) => durationMs)).median.toFixed(0),
  ];
}

function formatSpread({ median, min, max }: Spread): string {
  return `${median.toFixed(1)} (${min.toFixed(1)} - ${max.toFixed(1)})`;
}

function toMegabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
