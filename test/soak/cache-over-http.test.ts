import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CacheStatistics } from "../../src/domain/cache-statistics.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { sum } from "../support/awkward-models.ts";
import { buildOnnx } from "../support/onnx-builder.ts";
import { store } from "../support/stored-model.ts";
import { readExpected, row, type WireTensor } from "../support/tensors.ts";

/**
 * Services with a cache against one without: while entries are evicted and purged and versions are published and
 * deleted, all respond with the same bytes to requests of every form.
 * CACHE_SOAK_REQUESTS=100000 sends more of them.
 */

const REQUESTS = Number(process.env.CACHE_SOAK_REQUESTS ?? 1000);
/** Versions are published and deleted, and everything is purged, between the parts. */
const PARTS = REQUESTS < 4000 ? 5 : 10;
const AT_ONCE = 32;
/** Only there to end a hang. */
const TIMEOUT_MS = 120_000 + REQUESTS * 10;
const SEED = 20_261_122;
/** Of each fixture. */
const ROWS = 8;
const TABULAR = ["iris-logistic", "wine-decision-tree", "diabetes-ridge", "breast-cancer-svm"];
const NUMERIC = [...TABULAR, "digits-cnn"];
const TEXT = "language-identification";
const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;
const DIRECTIVES = ["no-cache", "no-store", "max-age=0", "max-age=60"];

interface TestRequest {
  readonly path: string;
  readonly init: RequestInit;
}

/** One with all tiers, and one with KV alone, which the tiers read before it would hide. */
let cached: AdministeredService[];
let uncached: AdministeredService;

beforeAll(async () => {
  const start = (vars: Record<string, string>) =>
    startAdministeredService({
      models: [...NUMERIC, TEXT],
      vars: {
        EVENT_LOG: "off",
        CACHE_OUTER_TIERS: "always",
        // A busy machine must not count as a failure of a tier.
        CACHE_READ_TIMEOUT_MS: "60000",
        ...vars,
      },
    });
  const [all, kv, none] = await Promise.all([
    start({
      CACHE_TIERS: "isolate,datacenter,kv",
      // Room for a few dozen entries.
      CACHE_ISOLATE_BYTES: "40000",
      // Stored responses are used only where the version is known without reading storage.
      CATALOG_TTL_SECONDS: "3600",
    }),
    start({ CACHE_TIERS: "kv" }),
    start({ CACHE_TIERS: "" }),
  ]);
  cached = [all, kv];
  uncached = none;
  for (const { bucket } of [all, kv, none]) await store(bucket, "plus", sum(1), CACHED);
});

afterAll(async () => {
  await Promise.all([...(cached ?? []), uncached].map((service) => service?.dispose()));
});

function json(path: string, value: unknown): TestRequest {
  const headers = { "content-type": "application/json" };
  return { path, init: { method: "POST", headers, body: JSON.stringify(value) } };
}

function binary(path: string, { data, ...tensor }: WireTensor): TestRequest {
  const bytes = Buffer.from(Float32Array.from(data).buffer);
  const input = { ...tensor, parameters: { binary_data_size: bytes.length } };
  const parameters = { binary_data_output: true };
  const head = Buffer.from(JSON.stringify({ inputs: [input], parameters }));
  const headers = { "inference-header-content-length": String(head.length) };
  return { path, init: { method: "POST", headers, body: Buffer.concat([head, bytes]) } };
}

/** The rows of a fixture, each in several forms. */
function requestsTo(name: string): TestRequest[] {
  const { inputs, outputs } = readExpected(name);
  const [batch] = inputs as [WireTensor];
  const names = outputs.map((output) => ({ name: output.name }));
  const infer = `/v2/models/${name}/infer`;
  return Array.from({ length: ROWS }, (_, index) => row(batch, index)).flatMap((input, index) => [
    json(infer, { inputs: [input] }),
    json(infer, { id: `id-${index}`, inputs: [input] }),
    json(`/v2/models/${name}/versions/1/infer`, { inputs: [input], outputs: names.slice(-1) }),
    json(infer, { inputs: [input], outputs: names.toReversed() }),
    binary(infer, input),
    ...(TABULAR.includes(name)
      ? [
          json(`/models/${name}`, { inputs: input.data }),
          json(`/models/${name}/versions/1`, { inputs: [input.data] }),
        ]
      : []),
  ]);
}

const steady: readonly TestRequest[] = [
  ...NUMERIC.flatMap(requestsTo),
  ...["Guten Tag", "Good morning", "Buenos días", "Bonjour à tous"].map((inputs) =>
    json(`/models/${TEXT}`, { inputs }),
  ),
];
/** To the model whose versions are published and deleted. */
const unsteady: readonly TestRequest[] = Array.from({ length: 50 }, (_, x) =>
  json("/v2/models/plus/infer", {
    inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [x] }],
  }),
);
const requests = [...unsteady, ...steady];

/** Everything of a response that a client may rely on. */
async function send(
  service: AdministeredService,
  { path, init }: TestRequest,
  directive?: string,
): Promise<string> {
  const headers = { ...init.headers, ...(directive ? { "cache-control": directive } : {}) };
  const response = await fetch(`${service.origin}${path}`, { ...init, headers });
  const body = Buffer.from(await response.arrayBuffer());
  const headerValues = ["content-type", "inference-header-content-length", "x-model-version"].map(
    (name) => response.headers.get(name),
  );
  return [response.status, ...headerValues, body.toString("latin1")].join("\n");
}

async function responsesWithoutCache(some: readonly TestRequest[]): Promise<string[]> {
  const responses: string[] = [];
  for (const request of some) responses.push(await send(uncached, request));
  expect(responses.filter((response) => !response.startsWith("200\n"))).toEqual([]);
  return responses;
}

/** The second version of "plus" is there in every other part, each time with another file. */
async function changeVersions(part: number): Promise<void> {
  const path = "/models/plus/versions/2";
  for (const { administer } of [...cached, uncached]) {
    if (part % 2 === 0) await administer(path, { method: "DELETE" });
    else await administer(`${path}?force=true`, { method: "PUT", body: buildOnnx(sum(part + 1)) });
  }
}

test(
  `${REQUESTS} mixed requests get the responses of a service without a cache`,
  async () => {
    const steadyResponses = await responsesWithoutCache(steady);
    const wrong: string[] = [];
    let sent = 0;
    for (let part = 0; part < PARTS; part++) {
      await changeVersions(part);
      if (part % 3 === 2)
        for (const { administer } of cached)
          await administer("/cache/purge", { method: "POST", body: '{"all":true}' });
      const expected = [...(await responsesWithoutCache(unsteady)), ...steadyResponses];
      const picks = fc.sample(
        fc.record({
          service: fc.constantFrom(...cached),
          // Half of the requests repeat one of a few.
          index: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: requests.length - 1 })),
          directive: fc.oneof(fc.constant(undefined), fc.constantFrom(...DIRECTIVES)),
        }),
        { numRuns: Math.ceil(REQUESTS / PARTS), seed: SEED + part },
      );
      const next = picks.values();
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (const { service, index, directive } of next) {
            const response = await send(service, requests[index] as TestRequest, directive);
            sent++;
            if (response !== expected[index]) wrong.push(`${requests[index]?.path}: ${response}`);
          }
        }),
      );
    }
    expect(wrong).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(REQUESTS);

    const statistics = await Promise.all(cached.map(({ administer }) => administer("/cache")));
    const [all, kv] = statistics.map(({ body }) => body as CacheStatistics);
    const tiers = { ...all?.tiers, kv: kv?.tiers.kv };
    for (const [tier, counted] of Object.entries(tiers))
      expect([tier, (counted?.hits ?? 0) > sent / 100, counted?.failures]).toEqual([tier, true, 0]);
  },
  TIMEOUT_MS,
);
