import fc from "fast-check";
import { expect, test } from "vitest";
import type { CacheTier, Purge, PurgeScope } from "../../src/domain/cache.ts";
import { ApiError } from "../../src/domain/errors.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { createMemoryPurgeLog } from "../../src/storage/memory-purge-log.ts";
import {
  createHarness,
  createManifest,
  type Harness,
  type Result,
} from "../support/cache-harness.ts";

/**
 * Three isolates in one data center, with remote tiers that lose entries, fail, hang, return wrong bytes and bring back
 * what was replaced or deleted: every request gets the outputs that a run gives.
 */

const REQUESTS = 20_000;
const SEED = 20_261_122;
const ISOLATES = 3;
const TTL_SECONDS = 60;
/** The delay until an isolate applies the purges of others. */
const PURGE_DELAY_MS = 30_000;

function model(name: string, version: string, digit: string, scope = "public"): Manifest {
  return createManifest({
    name,
    version,
    files: [{ path: "model.onnx", sha256: digit.repeat(64), sizeBytes: 1 }],
    cache: { enabled: true, ttlSeconds: TTL_SECONDS, scope },
  });
}

const MODELS: readonly Manifest[] = [
  model("echo", "1", "a"),
  model("echo", "2", "b"),
  model("copy", "1", "a"),
  model("own", "1", "c", "key"),
];
const CLIENTS = ["anonymous", "0123456789abcdef", "fedcba9876543210"];
const FAULTS = ["throw", "hang", "nothing", "garbage", "truncated", "foreign", "stale"] as const;

const anyRequest = fc.record({
  isolate: fc.nat({ max: ISOLATES - 1 }),
  manifest: fc.constantFrom(...MODELS),
  // A few inputs are frequent, many are rare.
  input: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 299 })).map((number) => `input ${number}`),
  outputs: fc.constantFrom(
    undefined,
    ["first"],
    ["second"],
    ["first", "second"],
    ["second", "first"],
  ),
  control: fc.oneof(
    { weight: 8, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constantFrom("no-cache", "no-store", "only-if-cached") },
    { weight: 1, arbitrary: fc.constantFrom("max-age=0", "max-age=5", "max-age=60") },
  ),
  client: fc.constantFrom(...CLIENTS),
  modelIsReady: fc.boolean(),
});
type Request = typeof anyRequest extends fc.Arbitrary<infer T> ? T : never;

const anyStep = fc.record({
  /** Sent at the same time. */
  requests: fc.array(anyRequest, { minLength: 1, maxLength: 12 }),
  waitMs: fc.oneof(fc.constant(1), fc.nat({ max: 5000 })),
  purge: fc.oneof(
    { weight: 40, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({
        isolate: fc.nat({ max: ISOLATES - 1 }),
        scope: fc.oneof<fc.Arbitrary<PurgeScope>[]>(
          fc.constant({}),
          fc.constantFrom(...MODELS).map(({ name }) => ({ model: name })),
          fc.constantFrom(...MODELS).map(({ name, version }) => ({ model: name, version })),
          fc.constantFrom(...CLIENTS).map((client) => ({ client })),
        ),
      }),
    },
  ),
});

/** A tier that keeps every value, and takes its faults from a list. */
function createFaultyTier(name: CacheTier["name"], nextFault: () => string | undefined): CacheTier {
  const history = new Map<string, Uint8Array[]>();
  const all: Uint8Array[] = [];
  return {
    name,
    async get({ key }) {
      const values = history.get(key) ?? [];
      const newest = values.at(-1);
      switch (nextFault()) {
        case "throw":
          throw new Error("KV GET failed: 500 Internal Server Error");
        case "hang":
          return new Promise(() => {});
        case "nothing":
          return undefined;
        case "garbage":
          return new Uint8Array(100).fill(1);
        case "truncated":
          return newest?.subarray(0, newest.length / 2);
        case "foreign":
          return all[Math.floor(all.length / 2)];
        case "stale":
          return values[0];
        default:
          return newest;
      }
    },
    async put({ key }, value) {
      const fault = nextFault();
      if (fault === "throw") throw new Error("KV PUT failed: 429 Too Many Requests");
      if (fault === "nothing") return;
      const stored = fault === "truncated" ? value.slice(0, value.length / 3) : value.slice();
      history.set(key, [...(history.get(key) ?? []), stored]);
      all.push(stored);
    },
    async delete() {
      // The value comes back.
    },
  };
}

/** The outputs of a run, computed without the code under test. */
function compute({ manifest, input, outputs, client }: Request): Record<string, string> {
  const who = manifest.name === "own" ? ` ${client}` : "";
  const values: Record<string, string> = {
    first: `${manifest.files[0]?.sha256.slice(0, 1)} ${input}${who}`,
    second: `${input.toUpperCase()}${who}`,
  };
  return Object.fromEntries(
    (outputs ?? ["first", "second"]).map((name) => [name, values[name] ?? ""]),
  );
}

interface AddedPurge extends Purge {
  readonly isolate: number;
}

/** Whether the isolate must treat an entry of that age as purged. */
function isPurged(
  { manifest, client, isolate }: Request,
  createdAt: number,
  nowMs: number,
  purges: readonly AddedPurge[],
): boolean {
  const owner = manifest.cache.scope === "key" ? client : undefined;
  return purges.some(
    (purge) =>
      createdAt <= purge.at &&
      (purge.isolate === isolate || purge.at < nowMs - PURGE_DELAY_MS) &&
      (purge.model ?? manifest.name) === manifest.name &&
      (purge.version ?? manifest.version) === manifest.version &&
      (purge.client ?? owner) === owner,
  );
}

test(`${REQUESTS} mixed requests get the outputs of a run`, async () => {
  const anyFault = fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...FAULTS) },
  );
  const faults = fc.sample(anyFault, { numRuns: 10_000, seed: SEED });
  let call = 0;
  const nextFault = () => faults[call++ % faults.length];
  const clock = { ms: Date.UTC(2026, 10, 22) };
  const log = createMemoryPurgeLog();
  const tiers = [createFaultyTier("datacenter", nextFault), createFaultyTier("kv", nextFault)];
  const isolates = Array.from({ length: ISOLATES }, (): Harness => {
    const harness = createHarness({ tiers, log, clock, readTimeoutMs: 1, localBytes: 40_000 });
    harness.infer = async ({ model, inputs, outputs }, { principal }) => {
      const { manifest } = model;
      const input = String(inputs[0]?.data[0]);
      const run = {
        manifest,
        input,
        outputs: outputs && [...outputs],
        client: await principal.id(),
      };
      const texts = compute(run as Request);
      return Object.entries(texts).map(([name, text]) => ({
        name,
        datatype: "BYTES",
        shape: [1],
        data: [text],
      }));
    };
    return harness;
  });

  const purges: AddedPurge[] = [];
  const counts: Record<string, number> = {
    sent: 0,
    isolate: 0,
    datacenter: 0,
    kv: 0,
    failures: 0,
  };
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  function check(request: Request, result: Result): void {
    const { texts, report } = result;
    expect(Object.entries(texts)).toEqual(Object.entries(compute(request)));
    count(report.outcome === "hit" ? String(report.tier) : `${report.outcome} ${report.reason}`);
    if (report.failures.length > 0) count("failures");
    if (request.control === "no-store") expect(report.outcome).toBe("bypass");
    if (request.control === "no-cache") expect(report.outcome).toBe("miss");
    if (report.outcome !== "hit") return;
    const ageSeconds = report.ageSeconds ?? Number.NaN;
    expect(ageSeconds).toBeLessThanOrEqual(TTL_SECONDS);
    const maxAge = /max-age=(\d+)/.exec(request.control)?.[1];
    if (maxAge !== undefined) expect(ageSeconds).toBeLessThanOrEqual(Number(maxAge));
    expect(isPurged(request, clock.ms - ageSeconds * 1000, clock.ms, purges)).toBe(false);
  }

  async function send(request: Request): Promise<void> {
    const { isolate, modelIsReady, outputs, ...options } = request;
    const harness = isolates[isolate] as Harness;
    harness.model = modelIsReady ? "ready" : "absent";
    count("sent");
    try {
      check(request, await harness.request({ ...options, ...(outputs ? { outputs } : {}) }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      expect([error.code, request.control]).toEqual(["not_cached", "only-if-cached"]);
      count("not cached");
    }
  }

  // A step has 6.5 requests on average.
  const steps = fc.sample(anyStep, { numRuns: REQUESTS / 4, seed: SEED });
  for (const { requests, waitMs, purge } of steps) {
    if ((counts.sent ?? 0) >= REQUESTS) break;
    await Promise.all(requests.map(send));
    clock.ms += waitMs;
    if (!purge) continue;
    const { isolate, scope } = purge;
    purges.push({ ...scope, at: clock.ms, isolate });
    await isolates[isolate]?.store.purge(scope);
    clock.ms += 1;
  }
  await Promise.all(isolates.map(({ settle }) => settle()));
  expect(counts.sent).toBeGreaterThanOrEqual(REQUESTS);

  // Each outcome was frequent enough for the test to mean something.
  for (const outcome of [
    "isolate",
    "datacenter",
    "kv",
    "miss absent",
    "miss purged",
    "miss expired",
    "not cached",
  ])
    expect([outcome, (counts[outcome] ?? 0) > 50]).toEqual([outcome, true]);
  expect(counts.failures).toBeGreaterThan(1000);
  expect(purges.length).toBeGreaterThan(50);
});
