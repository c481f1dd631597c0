import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { disclosing, findModel, publishAs } from "../../support/publish.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";

/** What responses tell a client about the requests of others. */

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["sentence-embeddings", "iris-logistic"],
    vars: { CACHE_TIERS: "isolate" },
  });
  const model = disclosing(findModel("language-identification"));
  await publishAs(service.bucket, model, { name: "disclosing", version: "1" });
  await store(
    service.bucket,
    "echo",
    {
      inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
      outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
    },
    { cache: { enabled: true, ttlSeconds: 60, scope: "public" } },
  );
});

afterAll(() => service?.dispose());

type Send = (text: string, headers?: Record<string, string>) => Promise<TestResponse>;

const OPERATIONS: [name: string, send: Send][] = [
  [
    "the task API",
    (text, headers) => service.post("/models/sentence-embeddings", { inputs: text }, headers),
  ],
  [
    "OpenAI's API",
    (text, headers) =>
      service.post("/v1/embeddings", { model: "sentence-embeddings", input: text }, headers),
  ],
  [
    "the Open Inference Protocol",
    (text, headers) => {
      const inputs = [{ name: "x", datatype: "BYTES", shape: [1], data: [text] }];
      return service.post("/v2/models/echo/infer", { inputs }, headers);
    },
  ],
];

/** The headers that depend on anything but the bytes of the response, without their numbers. */
const telling = ({ headers }: TestResponse): object => ({
  age: headers.get("age"),
  cacheStatus: headers.get("cache-status"),
  timing: headers.get("server-timing")?.replace(/[\d.]+/g, "n"),
  names: [...headers.keys()],
});

describe.each(OPERATIONS)("a text through %s", (name, send) => {
  const secret = `what somebody asked through ${name}`;

  test("responses have the same headers whether others have sent the text before or not", async () => {
    const responses = [];
    for (let count = 0; count < 4; count++) responses.push(await send(secret));
    const [first, ...others] = responses;
    if (!first) throw new Error("no response");
    expect(first.status).toBe(200);
    expect(telling(first)).toMatchObject({
      age: null,
      cacheStatus: "onnxflare; detail=hidden",
      timing: "total;dur=n",
    });
    for (const response of others) {
      expect(telling(response)).toEqual(telling(first));
      expect(response.body).toEqual(first.body);
    }
    const key = { authorization: "Bearer of-a-client" };
    expect(telling(await send(secret, key))).toEqual(telling(first));
  });

  test("only-if-cached gets the same response for a text that is cached and for another", async () => {
    await send(secret);
    await send(secret);
    const refused = await Promise.all(
      [secret, `never asked through ${name}`].map((text) =>
        send(text, { "cache-control": "only-if-cached", "x-request-id": "mine" }),
      ),
    );
    expect(refused.map(({ status }) => status)).toEqual([504, 504]);
    expect(refused[0]?.body).toEqual(refused[1]?.body);
    expect(JSON.stringify(refused[0]?.body)).toContain("is not disclosed");
    for (const response of refused) expect(response.headers.get("age")).toBeNull();
  });

  test("the admin key sees how the cache was used, before and after others", async () => {
    const admin = { authorization: `Bearer ${ADMIN_KEY}` };
    const text = `what the operator asked through ${name}`;
    expect((await send(text, admin)).headers.get("cache-status")).toContain("fwd=miss");
    await send(text);
    const hit = await send(text, { ...admin, "cache-control": "only-if-cached" });
    expect(hit.status).toBe(200);
    expect(hit.headers.get("cache-status")).toContain("; hit; ttl=");
    expect(hit.headers.get("age")).not.toBeNull();
    expect((await send(text)).headers.get("cache-status")).toBe("onnxflare; detail=hidden");
    expect((await send(text, admin)).headers.get("age")).not.toBeNull();
  });

  test("a response that is not modified tells nothing", async () => {
    const etag = (await send(secret)).headers.get("etag") ?? "";
    const headers = { "if-none-match": etag, "cache-control": "max-age=60" };
    const response = await send(secret, headers);
    expect(response.status).toBe(304);
    expect(telling(response)).toMatchObject({ age: null, timing: "total;dur=n" });
  });
});

test("a model of texts whose manifest discloses the cache, and one of numbers, tell how it was used", async () => {
  for (const [path, inputs] of [
    ["/models/disclosing", "a text in English, and long enough"],
    ["/models/iris-logistic", [5.1, 3.5, 1.4, 0.2]],
  ] as const) {
    await service.post(path, { inputs });
    const directive = { "cache-control": "only-if-cached" };
    const response = await service.post(path, { inputs }, directive);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-status")).toContain("; hit; ttl=");
    expect(response.headers.get("age")).toBe("0");
  }
});

test("statistics tell strangers nothing of hits and runs of a model of texts", async () => {
  const [, [, send] = []] = OPERATIONS;
  if (!send) throw new Error("no operation");
  for (const text of ["once", "once", "twice"]) await send(text);
  const read = async (model: string, headers: Record<string, string> = {}) => {
    const { body } = await service.request(`/v2/models/${model}/stats`, { headers });
    const [stat] = (body as { model_stats: Record<string, unknown>[] }).model_stats;
    return stat as {
      execution_count: number;
      inference_stats: Record<string, { count: number }>;
    };
  };
  const hidden = await read("sentence-embeddings");
  const { success, fail, ...others } = hidden.inference_stats;
  expect(success?.count).toBeGreaterThan(2);
  expect(fail).toBeDefined();
  expect(hidden.execution_count).toBe(success?.count);
  for (const { count } of Object.values(others)) expect(count).toBe(0);
  const admin = await read("sentence-embeddings", { authorization: `Bearer ${ADMIN_KEY}` });
  expect(admin.inference_stats.cache_hit?.count).toBeGreaterThan(0);
  expect(admin.execution_count).toBeLessThan(admin.inference_stats.success?.count ?? 0);
  await service.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] });
  expect((await read("iris-logistic")).inference_stats.cache_miss?.count).toBeGreaterThan(0);
});
