import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { startWorkers, type Workers } from "../../test/support/workers.ts";
import type { Benchmark } from "../benchmark.ts";
import { buildDenseModel, denseInputs } from "../dense-model.ts";
import { type Spread, toSpread } from "../statistics.ts";

/**
 * How long a model owner waits: from `onnxflare push` to the first answer of the version, until a promotion and a rollback are seen by the isolate
 * that made them and by another one, which shares nothing but the bucket.
 */
const MODEL = "dense";
const SHAPE = { width: 1024, hiddenLayers: 6 };
const ADMIN_KEY = "bench";
/** How often the other isolate is asked which version it serves. */
const POLL_MS = 25;
/** The setting `CATALOG_TTL_SECONDS` is 10 by default. */
const MAX_DELAY_MS = 15_000;
/** The field `doc_string` of an ONNX file, which distinguishes the files. */
const DOC_STRING_TAG = 0x32;

const run = promisify(execFile);

const STEPS = [
  "onnxflare push, whole process",
  "its first answer, after the push",
  "push to first answer",
  "PUT with curl's request",
  "its first answer, after the PUT",
  "promotion: response",
  "promotion: seen by its own isolate",
  "promotion: seen by another isolate",
  "rollback: response",
  "rollback: seen by its own isolate",
  "rollback: seen by another isolate",
] as const;
type Step = (typeof STEPS)[number];

interface Service {
  readonly workers: Workers;
  readonly origins: readonly [string, string];
}

export const lifecycle: Benchmark = {
  name: "lifecycle",
  description: "from push to the first answer; until promotions and rollbacks are seen",
  async run({ rounds, report }) {
    report("building ...");
    const outdir = createTemporaryFolder("bench-lifecycle");
    await buildWorker(outdir);
    const measured = new Map<Step, number[]>(STEPS.map((step) => [step, []]));
    const service = await startService(outdir);
    try {
      for (let round = 0; round < rounds; round++) {
        report(`round ${round + 1} ...`);
        await measure(service, round, (step, ms) => measured.get(step)?.push(ms));
      }
    } finally {
      await service.workers.dispose();
    }
    const rows = [...measured].map(([step, values]) => [step, formatSpread(toSpread(values))]);
    const sizeMiB = (createModel(0).byteLength / 2 ** 20).toFixed(1);
    const title = `Life of a version, a model of ${sizeMiB} MiB, CATALOG_TTL_SECONDS=10`;
    return {
      tables: [{ title, columns: ["step", "ms (min - max)"], rows }],
      raw: Object.fromEntries(measured),
    };
  },
};

async function measure(
  { origins: [origin, other] }: Service,
  round: number,
  record: (step: Step, ms: number) => void,
): Promise<void> {
  const pushed = String(2 * round + 1);
  const put = String(2 * round + 2);

  const file = join(createTemporaryFolder("bench-model"), "model.onnx");
  writeFileSync(file, createModel(2 * round));
  const start = performance.now();
  await push(file, pushed, origin);
  const end = performance.now();
  await infer(origin, `${MODEL}@${pushed}`);
  record("onnxflare push, whole process", end - start);
  record("its first answer, after the push", performance.now() - end);
  record("push to first answer", performance.now() - start);

  const body = createModel(2 * round + 1);
  record(
    "PUT with curl's request",
    await timed(() => admin(origin, "PUT", `/versions/${put}`, body)),
  );
  record("its first answer, after the PUT", await timed(() => infer(origin, `${MODEL}@${put}`)));

  await admin(origin, "PUT", "/aliases/production", { version: pushed });
  await seen(other, pushed);
  for (const [name, version, change] of [
    ["promotion", put, () => admin(origin, "PUT", "/aliases/production", { version: put })],
    ["rollback", pushed, () => admin(origin, "POST", "/aliases/production/rollback", {})],
  ] as const) {
    const changing = performance.now();
    await change();
    record(`${name}: response`, performance.now() - changing);
    const own = await infer(origin, `${MODEL}@production`);
    if (own !== version) throw new Error(`${own} after the ${name}, not ${version}`);
    record(`${name}: seen by its own isolate`, performance.now() - changing);
    await seen(other, version);
    record(`${name}: seen by another isolate`, performance.now() - changing);
  }
}

/** Two Workers of the same code on the same bucket: each has an isolate of its own. */
async function startService(outdir: string): Promise<Service> {
  const common = {
    code: { outdir },
    bindings: { ADMIN_KEY, CACHE_TIERS: "", EVENT_LOG: "off" },
    r2Buckets: { MODELS: "models" },
    kvNamespaces: { CACHE: "cache" },
  };
  const workers = await startWorkers([
    { name: "first", ...common },
    { name: "second", ...common, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
  ]);
  const second = await workers.miniflare.unsafeGetDirectURL("second");
  return { workers, origins: [workers.origin, second.origin] };
}

/** Waits until the Worker serves the version by its alias. */
async function seen(origin: string, version: string): Promise<void> {
  const until = performance.now() + MAX_DELAY_MS;
  while ((await infer(origin, `${MODEL}@production`).catch(() => undefined)) !== version) {
    if (performance.now() > until) throw new Error(`${origin} does not serve version ${version}`);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

async function push(file: string, version: string, origin: string): Promise<void> {
  const program = projectPath("packages", "cli", "bin", "onnxflare.mjs");
  const target = ["--url", origin, "--key", ADMIN_KEY];
  const options = ["push", file, "--name", MODEL, "--version", version];
  await run(process.execPath, [program, ...options, ...target]);
}

/** @returns the version that answered */
async function infer(origin: string, reference: string): Promise<string> {
  const response = await fetch(`${origin}/v2/models/${reference}/infer`, {
    method: "POST",
    body: JSON.stringify({ inputs: denseInputs() }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${reference}: ${response.status} ${text}`);
  return (JSON.parse(text) as { model_version: string }).model_version;
}

async function admin(
  origin: string,
  method: string,
  path: string,
  body: object | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const isFile = body instanceof Uint8Array;
  const response = await fetch(`${origin}/admin/models/${MODEL}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      "content-type": isFile ? "application/octet-stream" : "application/json",
    },
    body: isFile ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The same network with a text of its own, so that each is loaded anew. */
function createModel(number: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`version ${number}`);
  const model = buildDenseModel(SHAPE);
  const bytes = new Uint8Array(model.byteLength + 2 + text.byteLength);
  bytes.set(model);
  bytes.set([DOC_STRING_TAG, text.byteLength, ...text], model.byteLength);
  return bytes;
}

function formatSpread({ median, min, max }: Spread): string {
  const round = (ms: number): string => (ms < 100 ? ms.toFixed(1) : ms.toFixed(0));
  return `${round(median)} (${round(min)} - ${round(max)})`;
}
