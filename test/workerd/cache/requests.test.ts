import { beforeAll, describe, expect, test } from "vitest";
import type { AdministeredService } from "../../support/administration.ts";
import { sum } from "../../support/awkward-models.ts";
import {
  CACHED,
  createRequest,
  eventOf,
  IRIS,
  iris,
  modelStats,
  postPlainly,
  shareCacheServices,
} from "../../support/cache-service.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store } from "../../support/stored-model.ts";
import { expectOutputs, nest, row } from "../../support/tensors.ts";

/** Which requests use an entry: by their tensors, directives and entity tags. */

const start = shareCacheServices();

describe("a cache entry", () => {
  const features = row(iris.inputs[0] as (typeof iris.inputs)[number], 0);
  const flat = { name: "features", datatype: "FP32", shape: [1, 4], data: features.data };
  const floats = Buffer.from(Float32Array.from(features.data).buffer);

  function binary(head: object, data: Buffer, more: object = {}): RequestInit {
    const json = JSON.stringify({ inputs: [head], ...more });
    return {
      method: "POST",
      body: Buffer.concat([Buffer.from(json), data]),
      headers: { "inference-header-content-length": String(Buffer.byteLength(json)) },
    };
  }

  test("a cache entry is used for the same tensors in every request format", async () => {
    const service = await start({ CACHE_TIERS: "isolate" }, ["iris-logistic"]);
    const { data: _, ...described } = flat;
    const json = (value: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(value) });
    // Files may share a service, whose counters go on.
    const before = await modelStats(service, "iris-logistic");
    const first = await service.request(IRIS, json({ inputs: [flat] }));
    const ways: [string, string, RequestInit][] = [
      ["with an id", IRIS, json({ id: "7", inputs: [flat] })],
      ["nested", IRIS, json({ inputs: [{ ...flat, data: nest(flat.data, flat.shape) }] })],
      [
        "in another order",
        IRIS,
        json({ inputs: [Object.fromEntries(Object.entries(flat).reverse())] }),
      ],
      ["with a timeout", IRIS, json({ inputs: [flat], parameters: { timeout: 9_000_000 } })],
      [
        "with its outputs",
        IRIS,
        json({ inputs: [flat], outputs: [{ name: "label" }, { name: "probabilities" }] }),
      ],
      [
        "with its outputs reversed",
        IRIS,
        json({ inputs: [flat], outputs: [{ name: "probabilities" }, { name: "label" }] }),
      ],
      ["by version", "/v2/models/iris-logistic/versions/1/infer", json({ inputs: [flat] })],
      ["as bytes", IRIS, binary({ ...described, parameters: { binary_data_size: 16 } }, floats)],
      [
        "as bytes alone",
        IRIS,
        { method: "POST", body: floats, headers: { "inference-header-content-length": "0" } },
      ],
      ["for bytes", IRIS, json({ inputs: [flat], parameters: { binary_data_output: true } })],
      [
        "for classes",
        IRIS,
        json({
          inputs: [flat],
          outputs: [
            { name: "label" },
            { name: "probabilities", parameters: { classification: 2 } },
          ],
        }),
      ],
    ];
    for (const [way, path, init] of ways) {
      const response = await service.request(path, init);
      expect([way, response.status, cacheStatus(response).hit]).toEqual([way, 200, true]);
      expect(cacheStatus(response).key).toBe(cacheStatus(first).key);
    }
    expect(await modelStats(service, "iris-logistic")).toMatchObject({
      execution_count: before.execution_count + 1,
      inference_stats: {
        cache_hit: { count: (before.inference_stats.cache_hit?.count ?? 0) + ways.length },
        cache_miss: { count: (before.inference_stats.cache_miss?.count ?? 0) + 1 },
      },
    });
  });

  test("a cache entry is shared by the task API and the Open Inference Protocol", async () => {
    const service = await start({ CACHE_TIERS: "isolate" }, ["iris-logistic"]);
    const taskResponse = await service.post("/models/iris-logistic", { inputs: flat.data });
    expect(cacheStatus(taskResponse)).toMatchObject({ fwd: "miss" });
    const outputs = [{ name: "probabilities" }];
    const inferResponse = await service.post(IRIS, { inputs: [flat], outputs });
    expect(cacheStatus(inferResponse)).toMatchObject({
      hit: true,
      key: cacheStatus(taskResponse).key,
    });
    const best = await service.post("/models/iris-logistic", {
      inputs: [[...flat.data]],
      parameters: { top_k: 1 },
    });
    expect(cacheStatus(best)).toMatchObject({ hit: true, key: cacheStatus(taskResponse).key });
    expect(best.body).toEqual([[expect.objectContaining({ label: "virginica" })]]);
    const [, probabilities] = iris.outputs;
    expectOutputs(inferResponse.body, {
      ...iris,
      outputs: [row(probabilities as (typeof iris.outputs)[number], 0)],
    });
  });

  test("a cache entry is not used for another number, however close", async () => {
    const service = await start({ CACHE_TIERS: "isolate" });
    await store(service.bucket, "plus", sum(0), CACHED);
    const infer = (x: number) =>
      service.post("/v2/models/plus/infer", {
        inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [x] }],
      });
    const closest = Math.fround(1 + 2 ** -23);
    for (const x of [1, closest]) {
      const response = await infer(x);
      expect(cacheStatus(response)).toMatchObject({ fwd: "miss" });
      expect(response.body).toMatchObject({ outputs: [{ data: [x] }] });
    }
    // The same FP32 by another decimal number.
    const same = await infer(closest + 1e-9);
    expect(cacheStatus(same)).toMatchObject({ hit: true });
    expect(same.body).toMatchObject({ outputs: [{ data: [closest] }] });
  });
});

describe("the request's directives", () => {
  test("cache-control directives of a request are applied", async () => {
    const service = await start({ CACHE_TIERS: "isolate" });
    await store(service.bucket, "directives", sum(1), CACHED);
    const body = createRequest();
    const infer = (control?: string) =>
      service.post(
        "/v2/models/directives/infer",
        body,
        control ? { "cache-control": control } : {},
      );

    const refused = await infer("only-if-cached");
    expect(refused).toMatchObject({
      status: 504,
      body: { code: "not_cached", error: expect.stringContaining("only-if-cached") },
    });
    expect(cacheStatus(refused)).toMatchObject({ fwd: "miss", detail: "absent" });
    expect(cacheStatus(await infer("no-store"))).toEqual({
      cache: "onnxflare",
      fwd: "bypass",
      detail: "no-store",
    });
    expect(cacheStatus(await infer())).toMatchObject({ fwd: "miss", stored: true });
    expect(cacheStatus(await infer("only-if-cached"))).toMatchObject({ hit: true });
    expect(cacheStatus(await infer("max-age=600"))).toMatchObject({ hit: true });
    expect(cacheStatus(await infer("no-cache"))).toMatchObject({
      fwd: "request",
      stored: true,
      detail: "no-cache",
    });
    expect(cacheStatus(await infer("no-store"))).toMatchObject({ fwd: "bypass" });
    expect(cacheStatus(await infer())).toMatchObject({ hit: true });
    expect(await modelStats(service, "directives")).toMatchObject({ execution_count: 4 });
  });
});

describe("If-None-Match", () => {
  let service: AdministeredService;

  beforeAll(async () => {
    service = await start({ CACHE_TIERS: "isolate" }, ["iris-logistic"]);
    await publishAs(service.bucket, findModel("iris-logistic"), { name: "twin", version: "1" });
    await publishAs(service.bucket, findModel("iris-logistic"), { name: "twin", version: "2" });
  });

  const inputs = [row(iris.inputs[0] as (typeof iris.inputs)[number], 3)];
  const values = inputs[0]?.data ?? [];

  test("If-None-Match with the current etag gets 304 without a body", async () => {
    const first = await service.post(IRIS, { inputs });
    const etag = String(first.headers.get("etag"));
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}-[0-9a-f]{16}"$/);
    for (const condition of [etag, `"other", ${etag}`, etag.replace("W/", ""), "*"]) {
      const again = await postPlainly(service, IRIS, { inputs }, { "if-none-match": condition });
      expect([condition, again.status, again.body]).toEqual([condition, 304, ""]);
      expect(again.headers.get("etag")).toBe(etag);
      expect(cacheStatus(again)).toMatchObject({ hit: true });
      expect(again.headers.get("x-model-version")).toBe("1");
      for (const name of ["content-type", "content-length", "content-encoding"])
        expect([name, again.headers.get(name)]).toEqual([name, null]);
      expect(await eventOf(service, again)).toMatchObject({ status: 304, bytesOut: 0 });
    }
    const other = await service.post(IRIS, { inputs }, { "if-none-match": '"something else"' });
    expect([other.status, other.body]).toEqual([200, first.body]);
  });

  test("If-None-Match applies to a prediction that was computed again", async () => {
    const { headers } = await service.post(IRIS, { inputs });
    const etag = String(headers.get("etag"));
    const fresh = await service.post(
      IRIS,
      { inputs },
      { "if-none-match": etag, "cache-control": "no-cache" },
    );
    expect(fresh.status).toBe(304);
    expect(cacheStatus(fresh)).toMatchObject({ fwd: "request" });
  });

  test("a 304 has no headers of compression and binary data", async () => {
    const many = { inputs: iris.inputs, parameters: { binary_data_output: true } };
    const headers = { "accept-encoding": "gzip" };
    for (const body of [many, { inputs: iris.inputs }]) {
      const first = await service.post(IRIS, body, headers);
      const etag = String(first.headers.get("etag"));
      const again = await service.post(IRIS, body, { ...headers, "if-none-match": etag });
      expect(again.status).toBe(304);
      for (const name of ["content-encoding", "inference-header-content-length", "content-type"])
        expect([name, again.headers.get(name)]).toEqual([name, null]);
    }
  });

  test("each representation of a prediction has another etag", async () => {
    const scores = { name: "probabilities" };
    const classes = { ...scores, parameters: { classification: 2 } };
    const forms: [string, unknown][] = [
      [IRIS, { inputs }],
      [IRIS, { id: "1", inputs }],
      [IRIS, { id: "2", inputs }],
      [IRIS, { inputs, parameters: { binary_data_output: true } }],
      [IRIS, { inputs, outputs: [{ name: "label" }, scores] }],
      [IRIS, { inputs, outputs: [scores, { name: "label" }] }],
      [
        IRIS,
        { inputs, outputs: [{ name: "label" }, { ...scores, parameters: { binary_data: true } }] },
      ],
      [IRIS, { inputs, outputs: [{ name: "label" }, classes] }],
      [IRIS, { inputs, outputs: [scores] }],
      [IRIS, { inputs, outputs: [classes] }],
      ["/v2/models/twin/infer", { inputs }],
      ["/v2/models/twin/versions/1/infer", { inputs }],
      ["/models/iris-logistic", { inputs: values }],
      ["/models/iris-logistic", { inputs: [values] }],
      ["/models/iris-logistic", { inputs: values, parameters: { top_k: 1 } }],
      ["/models/iris-logistic", { inputs: values, parameters: { top_k: 2 } }],
      ["/models/twin/versions/2", { inputs: values }],
    ];
    const seen = new Map<string, string>();
    for (const [path, body] of forms) {
      const response = await service.post(path, body);
      const text = JSON.stringify([path, body]);
      expect([text, response.status]).toEqual([text, 200]);
      const etag = String(response.headers.get("etag"));
      expect([text, seen.get(etag)]).toEqual([text, undefined]);
      seen.set(etag, text);
      expect((await service.post(path, body)).headers.get("etag")).toBe(etag);
    }
    expect(seen.size).toBe(forms.length);
  });

  test("other inputs have another etag", async () => {
    const etags = [];
    for (const index of [0, 1, 2]) {
      const tensor = row(iris.inputs[0] as (typeof iris.inputs)[number], index);
      etags.push((await service.post(IRIS, { inputs: [tensor] })).headers.get("etag"));
    }
    expect(new Set(etags).size).toBe(3);
  });

  test("the etag changes when a version is published again with other labels", async () => {
    const model = findModel("iris-logistic");
    const renamed = { ...model, manifest: { ...model.manifest, labels: ["a", "b", "c"] } };
    const etagOf = async (): Promise<string | null> =>
      (await service.post("/models/renamed", { inputs: values })).headers.get("etag");
    await publishAs(service.bucket, model, { name: "renamed", version: "1" });
    const before = await etagOf();
    await service.bucket.delete("models/renamed/1/manifest.json");
    await publishAs(service.bucket, renamed, { name: "renamed", version: "1" });
    const after = await etagOf();
    expect(before).toMatch(/^W\//);
    expect(after).not.toBe(before);
  });

  test("an error has no etag", async () => {
    const response = await service.post(IRIS, { inputs: [] }, { "if-none-match": "*" });
    expect(response.status).toBe(400);
    expect(response.headers.get("etag")).toBeNull();
  });
});
