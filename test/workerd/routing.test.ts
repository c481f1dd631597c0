import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HistoryEntry, Routing } from "../../src/domain/routing.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { expectOutputs, readExpected } from "../support/tensors.ts";

/** Aliases, splits and rollbacks in the built Worker, over HTTP. */

let service: AdministeredService;

/** Version 1 of "flowers" classifies species, 2 and 3 find clusters. */
const species = readExpected("iris-logistic");
const clusters = readExpected("iris-kmeans");
const IRIS = [5.1, 3.5, 1.4, 0.2];

beforeAll(async () => {
  service = await startAdministeredService({
    vars: { CACHE_TIERS: "isolate", REPOSITORY_CONTROL: "open" },
  });
  await publishFlowers("flowers");
});

afterAll(() => service?.dispose());

async function publishFlowers(name: string): Promise<void> {
  const { bucket } = service;
  await publishAs(bucket, findModel("iris-logistic"), { name, version: "1" });
  await publishAs(bucket, findModel("iris-kmeans"), { name, version: "2" });
  await publishAs(bucket, findModel("iris-kmeans"), { name, version: "3" });
}

function change(method: string, path: string, body?: unknown): Promise<TestResponse> {
  return service.administer(`/models/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function setAlias(model: string, alias: string, body: object): Promise<Routing> {
  const response = await change("PUT", `${model}/aliases/${alias}`, body);
  expect(response).toMatchObject({ status: 200 });
  return response.body as Routing;
}

const infer = (reference: string, headers: Record<string, string> = {}): Promise<TestResponse> =>
  service.post(`/v2/models/${reference}/infer`, { inputs: species.inputs }, headers);

async function versionOf(response: Promise<TestResponse>): Promise<string | null> {
  const { status, headers } = await response;
  expect(status).toBe(200);
  return headers.get("x-model-version");
}

async function history(model: string, query = ""): Promise<HistoryEntry[]> {
  const { status, body } = await service.administer(`/models/${model}/history${query}`);
  expect(status).toBe(200);
  return (body as { entries: HistoryEntry[] }).entries;
}

describe("a reference to a model", () => {
  beforeAll(async () => {
    await setAlias("flowers", "production", { version: 1 });
    await publishAs(service.bucket, findModel("pocket-gpt"), { name: "writer", version: "4" });
    await publishAs(service.bucket, findModel("pocket-gpt"), { name: "writer", version: "5" });
    await setAlias("writer", "stable", { version: "4" });
  });

  const requests: [string, string, unknown][] = [
    ["POST", "/v2/models/flowers@production/infer", { inputs: species.inputs }],
    ["POST", "/v2/models/flowers%40production/infer", { inputs: species.inputs }],
    ["GET", "/v2/models/flowers@production", undefined],
    ["GET", "/v2/models/flowers@production/config", undefined],
    ["GET", "/v2/models/flowers@production/stats", undefined],
    ["GET", "/v2/models/flowers@production/ready", undefined],
    ["POST", "/v2/repository/models/flowers@production/load", {}],
    ["POST", "/v2/repository/models/flowers@production/unload", {}],
    ["POST", "/models/flowers@production", { inputs: IRIS }],
    ["POST", "/v1/models/flowers@production:predict", { instances: [IRIS] }],
    ["POST", "/v1/models/flowers%40production:predict", { instances: [IRIS] }],
    ["POST", "/v1/models/flowers@production/versions/0:predict", { instances: [IRIS] }],
    ["GET", "/v1/models/flowers@production", undefined],
    ["GET", "/v1/models/flowers@production/metadata", undefined],
    ["GET", "/v1/models/flowers@production/versions/0", undefined],
  ];

  test.each(requests)("%s %s gets the version of its alias", async (method, path, value) => {
    const init = value === undefined ? { method } : { method, body: JSON.stringify(value) };
    const response = await service.request(path, init);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-model-version")).toBe("1");
    expect(response.headers.get("x-model-alias")).toBe("production");
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event).toMatchObject({ model: "flowers", version: "1", alias: "production" });
  });

  test("in the body of OpenAI's operations gets the version of its alias", async () => {
    const requests = {
      "/v1/completions": { prompt: "It was", max_tokens: 2 },
      "/v1/chat/completions": {
        messages: [{ role: "user", content: "List files." }],
        max_tokens: 2,
      },
    };
    for (const [path, request] of Object.entries(requests))
      for (const stream of [false, true]) {
        const response = await service.post(path, { ...request, stream, model: "writer@stable" });
        expect(response.status).toBe(200);
        expect(response.headers.get("x-model-version")).toBe("4");
        expect(response.headers.get("x-model-alias")).toBe("stable");
        const newest = await service.post(path, { ...request, stream, model: "writer" });
        expect(newest.headers.get("x-model-version")).toBe("5");
        expect(newest.headers.get("x-model-alias")).toBeNull();
      }
    const embeddings = { input: "a", model: "flowers@production" };
    expect((await service.post("/v1/embeddings", embeddings)).headers.get("x-model-alias")).toBe(
      "production",
    );
    const form = new FormData();
    form.set("model", "flowers@production");
    form.set("file", new File([new Uint8Array(44)], "a.wav"));
    const transcription = await service.request("/v1/audio/transcriptions", {
      method: "POST",
      body: form,
    });
    expect(transcription.headers.get("x-model-alias")).toBe("production");
  });

  test("is a name, a number, newest, or an alias, and each runs its version", async () => {
    const answers = async (reference: string, expected: typeof species, version: string) => {
      const response = await infer(reference);
      expect(response.headers.get("x-model-version")).toBe(version);
      expectOutputs(response.body, expected);
    };
    await answers("flowers@production", species, "1");
    await answers("flowers", clusters, "3");
    await answers("flowers@2", clusters, "2");
    await answers("flowers@newest", clusters, "3");
    await answers("flowers@default", clusters, "3");
    expect((await infer("flowers@2")).headers.get("x-model-alias")).toBeNull();
  });

  test.each([
    ["flowers@nobody", 404, "alias_not_found", "its aliases are production"],
    ["flowers@constructor", 404, "alias_not_found", "its aliases are"],
    ["flowers@__proto__", 404, "alias_not_found", "an alias is 1 to 63"],
    ["flowers@", 404, "alias_not_found", "an alias is 1 to 63"],
    ["flowers@Gr%C3%B6%C3%9Fe", 404, "alias_not_found", "an alias is 1 to 63"],
    ["flowers@7", 404, "version_not_found", "its versions are 3, 2, 1"],
    ["flowers@01", 404, "version_not_found", "without leading zeros"],
    ["nothing@production", 404, "model_not_found", '"nothing"'],
    ["@production", 404, "model_not_found", '""'],
    ["flowers@production/versions/2", 400, "invalid_request", "version or an alias once"],
    ["flowers@1/versions/2", 400, "invalid_request", "version or an alias once"],
  ])("%s is refused with %i %s", async (reference, status, code, message) => {
    const response = await infer(reference);
    expect(response).toMatchObject({
      status,
      body: { code, error: expect.stringContaining(message) },
    });
  });
});

describe("cached predictions", () => {
  test("follow the version, and are shared by the aliases of one", async () => {
    await publishFlowers("cached");
    await setAlias("cached", "a", { version: 1 });
    await setAlias("cached", "b", { version: 1 });
    const first = await infer("cached@a");
    const again = await infer("cached@b");
    expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(again.headers.get("x-model-alias")).toBe("b");
    const plain = await infer("cached@1");
    expect(plain.headers.get("x-model-alias")).toBeNull();
    expect(plain.headers.get("etag")).toBe(first.headers.get("etag"));
    for (let time = 0; time < 3; time++) {
      const stored = await infer("cached@a");
      expect(stored.headers.get("x-model-alias")).toBe("a");
      expectOutputs(stored.body, species);
    }
    await setAlias("cached", "a", { version: 2 });
    const etag = first.headers.get("etag") ?? "";
    const promoted = await infer("cached@a", { "if-none-match": etag });
    expect(promoted.status).toBe(200);
    expect(promoted.headers.get("x-model-version")).toBe("2");
    expect(promoted.headers.get("etag")).not.toBe(etag);
    expectOutputs(promoted.body, clusters);
    expect((await infer("cached@b", { "if-none-match": etag })).status).toBe(304);
  });
});

describe("a split", () => {
  const REQUESTS = 600;

  test("is drawn at random by its weights, once a request, and not at all by metadata", async () => {
    await publishFlowers("split");
    await setAlias("split", "canary", { split: { "1": 70, "2": 30 } });
    const counts: Record<string, number> = {};
    for (let index = 0; index < REQUESTS; index += 20)
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const response = await infer("split@canary");
          const version = response.headers.get("x-model-version") ?? "";
          expectOutputs(response.body, version === "1" ? species : clusters);
          counts[version] = (counts[version] ?? 0) + 1;
        }),
      );
    expect(Object.keys(counts).sort()).toEqual(["1", "2"]);
    // Five standard deviations of a share of 0.3.
    expect(Math.abs((counts["2"] ?? 0) / REQUESTS - 0.3)).toBeLessThan(0.094);
    for (let time = 0; time < 20; time++)
      expect(await versionOf(service.request("/v2/models/split@canary"))).toBe("1");
  });

  test.each([
    ["header", (value: string) => ({ "x-sticky-key": value })],
    ["key", (value: string) => ({ authorization: `Bearer ${value}` })],
  ] as const)("that is sticky by %s gives each client one version", async (sticky, headers) => {
    await publishFlowers("sticky");
    await setAlias("sticky", "canary", { split: { "1": 50, "2": 50 }, sticky });
    const versions = async (value: string): Promise<Set<string | null>> => {
      const all = Array.from({ length: 4 }, () =>
        versionOf(infer("sticky@canary", headers(value))),
      );
      return new Set(await Promise.all(all));
    };
    const seen = new Set<string | null>();
    for (let client = 0; client < 24; client++) {
      const found = await versions(`client-${client}`);
      expect(found.size).toBe(1);
      for (const version of found) seen.add(version);
    }
    expect(seen.size).toBe(2);
  });

  test("that is sticky by input gives each body one version, in every protocol", async () => {
    await publishFlowers("input");
    await setAlias("input", "default", { split: { "1": 50, "2": 50 }, sticky: "input" });
    const seen = new Set<string | null>();
    for (let index = 0; index < 24; index++) {
      const inputs = [
        { name: "features", datatype: "FP32", shape: [1, 4], data: [index, 1, 1, 1] },
      ];
      const ask = () => versionOf(service.post("/v2/models/input/infer", { inputs }));
      const version = await ask();
      expect(await ask()).toBe(version);
      expect(await versionOf(service.post("/v2/models/input@default/infer", { inputs }))).toBe(
        version,
      );
      seen.add(version);
    }
    expect(seen.size).toBe(2);
  });
});

describe("changes", () => {
  test("are in the history with author, time, route before and after, and note", async () => {
    await publishFlowers("noted");
    await setAlias("noted", "production", { version: 1, actor: "alice", note: "first" });
    await change("PUT", "noted/aliases/production/shadow", { version: 3, sample: 0.25 });
    const routing = await setAlias("noted", "production", { version: "2", note: "better" });
    expect(routing).toMatchObject({
      model: "noted",
      revision: 3,
      default: null,
      deleted: {},
      aliases: {
        production: {
          split: [{ version: "2", weight: 1 }],
          shadow: { version: "3", sample: 0.25 },
        },
      },
    });
    const [last, shadow, first] = await history("noted");
    // The SHA-256 of the tests' admin key, by Node.
    const { createHash } = await import("node:crypto");
    const digest = createHash("sha256").update("a-key-for-tests").digest("hex");
    expect(first).toMatchObject({
      revision: 1,
      action: "alias",
      by: `key:${digest.slice(0, 8)}`,
      actor: "alice",
      note: "first",
      from: null,
    });
    expect(shadow).toMatchObject({ revision: 2, action: "shadow" });
    expect(last).toMatchObject({ from: { split: [{ version: "1" }] }, note: "better" });
    expect(Date.parse(last?.at ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect(await history("noted", "?limit=1&before=3")).toMatchObject([{ revision: 2 }]);
    expect(await history("noted", "?alias=canary")).toEqual([]);
    const details = await service.administer("/models/noted");
    expect(details.body).toMatchObject({
      name: "noted",
      versions: [
        { version: "3", task: "clustering" },
        { version: "2" },
        { version: "1", format: expect.any(String), sizeBytes: expect.any(Number) },
      ],
      routing: { revision: 3 },
    });
  });

  test("are rolled back one by one, to a revision, and to a time; the default to the newest", async () => {
    await publishFlowers("rolled");
    for (const version of [1, 2, 3]) await setAlias("rolled", "production", { version });
    const rollback = (body?: object) => change("POST", "rolled/aliases/production/rollback", body);
    expect(await rollback()).toMatchObject({ status: 200, body: { revision: 4 } });
    expect(await versionOf(infer("rolled@production"))).toBe("2");
    await rollback();
    expect(await versionOf(infer("rolled@production"))).toBe("1");
    expect(await rollback()).toMatchObject({ status: 409, body: { code: "routing_conflict" } });
    expect(await versionOf(infer("rolled@production"))).toBe("1");
    const [before] = await history("rolled", "?limit=1");
    await rollback({ to: 3, note: "forward" });
    expect(await versionOf(infer("rolled@production"))).toBe("3");
    await rollback({ at: before?.at });
    const at = encodeURIComponent(before?.at ?? "");
    const then = await service.administer(`/models/rolled/routing?at=${at}`);
    expect(then.body).toMatchObject({ aliases: { production: { split: [{ version: "1" }] } } });
    expect(await rollback({ to: 99 })).toMatchObject({ status: 400 });
    await setAlias("rolled", "default", { version: 1 });
    expect(await versionOf(infer("rolled"))).toBe("1");
    expect(await change("POST", "rolled/aliases/default/rollback")).toMatchObject({
      status: 200,
      body: { default: null },
    });
    expect(await versionOf(infer("rolled"))).toBe("3");
    await setAlias("rolled", "default", { version: 2 });
    await setAlias("rolled", "default", { version: "newest" });
    expect(await versionOf(infer("rolled"))).toBe("3");
  });

  test("of two administrators at once are all made, and an expected revision is honoured", async () => {
    await publishFlowers("busy");
    const admin = (name: string) =>
      Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          setAlias("busy", name, { version: 1 + (index % 3), actor: name, note: `${index}` }),
        ),
      );
    await Promise.all([admin("first"), admin("second")]);
    const entries = await history("busy", "?limit=1000");
    expect(entries.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 100 }, (_, index) => 100 - index),
    );
    const notes = entries.map(({ actor, note }) => `${actor} ${note}`).sort();
    const expected = ["first", "second"].flatMap((name) =>
      Array.from({ length: 50 }, (_, index) => `${name} ${index}`),
    );
    expect(notes).toEqual(expected.sort());
    const refused = await change("PUT", "busy/aliases/first", { version: 1, expectedRevision: 99 });
    expect(refused).toMatchObject({ status: 409, body: { code: "routing_conflict" } });
    expect(JSON.stringify(refused.body)).toContain("revision 100");
    const accepted = { version: 1, expectedRevision: 100 };
    expect(await change("PUT", "busy/aliases/first", accepted)).toMatchObject({ status: 200 });
  });

  test.each<[string, string, unknown, number, string, string]>([
    ["PUT", "x", { version: 9 }, 404, "version_not_found", "its versions are 3, 2, 1"],
    ["PUT", "x", { version: "newest" }, 400, "invalid_request", "only the default can"],
    ["PUT", "x", {}, 400, "invalid_request", 'either "version" or "split"'],
    ["PUT", "x", { version: 1, split: { "1": 1 } }, 400, "invalid_request", "either"],
    ["PUT", "x", { version: 1, sticky: "key" }, 400, "invalid_request", "sticky"],
    ["PUT", "x", { split: {} }, 400, "invalid_request", "1 to 8 versions"],
    ["PUT", "x", { split: { "1": 0 } }, 400, "invalid_request", "split"],
    ["PUT", "x", { split: { "1": -1 } }, 400, "invalid_request", "split"],
    ["PUT", "x", { split: { "1": 1e9 } }, 400, "invalid_request", "split"],
    ["PUT", "x", { split: { "1": "NaN" } }, 400, "invalid_request", "split"],
    ["PUT", "x", { split: { __proto__: 1, x: 1 } }, 400, "invalid_request", "split"],
    [
      "PUT",
      "x",
      {
        split: [
          { version: 1, weight: 1 },
          { version: "1", weight: 2 },
        ],
      },
      400,
      "invalid_request",
      "twice",
    ],
    ["PUT", "x", { version: 1, note: "n".repeat(501) }, 400, "invalid_request", "note"],
    ["PUT", "7", { version: 1 }, 400, "invalid_request", "beginning with a letter"],
    ["PUT", "newest", { version: 1 }, 400, "invalid_request", "always the newest"],
    ["PUT", "Production", { version: 1 }, 400, "invalid_request", "lower-case"],
    ["PUT", "__proto__", { version: 1 }, 400, "invalid_request", "lower-case"],
    ["DELETE", "absent", undefined, 404, "alias_not_found", "absent"],
    ["POST", "absent/rollback", undefined, 409, "routing_conflict", "no change to undo"],
    ["POST", "a/rollback", { to: 1, at: "2026-11-30" }, 400, "invalid_request", "not both"],
    ["POST", "a/rollback", { at: "yesterday" }, 400, "invalid_request", "ISO 8601"],
    ["PUT", "absent/shadow", { version: 1 }, 404, "alias_not_found", "absent"],
    ["PUT", "x/shadow", { version: 1, sample: 0 }, 400, "invalid_request", "sample"],
  ])("%s %s %j is refused with %i %s", async (method, path, body, status, code, message) => {
    const response = await change(method, `flowers/aliases/${path}`, body);
    expect(response).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(response.body).replaceAll('\\"', '"')).toContain(message);
  });

  test("of a model without versions are refused", async () => {
    for (const [method, path] of [
      ["PUT", "nothing/aliases/a"],
      ["DELETE", "nothing/aliases/a"],
      ["GET", "nothing"],
      ["GET", "nothing/routing"],
      ["GET", "nothing/history"],
    ] as const) {
      const body = method === "PUT" ? { version: 1 } : undefined;
      const response = await change(method, path, body);
      expect(response).toMatchObject({ status: 404, body: { code: "model_not_found" } });
    }
  });

  test("of an alias named constructor are made like any other", async () => {
    await setAlias("flowers", "constructor", { version: 2 });
    expect(await versionOf(infer("flowers@constructor"))).toBe("2");
    expect(await change("DELETE", "flowers/aliases/constructor")).toMatchObject({ status: 200 });
    expect((await infer("flowers@constructor")).status).toBe(404);
  });
});

describe("a routing that was tampered with", () => {
  const KEY = "models/tampered/routing.json";

  beforeAll(async () => {
    await publishFlowers("tampered");
    await setAlias("tampered", "production", { split: { "1": 1, "2": 1 } });
  });

  test.each([
    ["{nope", "is not JSON"],
    ['{"schemaVersion":1}', "revision"],
    ["null", "is not valid"],
  ])("%j fails its model's default and aliases, and no number", async (text, problem) => {
    await service.bucket.put(KEY, text);
    for (const reference of ["tampered", "tampered@production"]) {
      const response = await infer(reference);
      expect(response).toMatchObject({ status: 503, body: { code: "routing_corrupt" } });
      expect(JSON.stringify(response.body)).toContain(problem);
      expect(JSON.stringify(response.body)).toContain(KEY);
    }
    expect(await versionOf(infer("tampered@1"))).toBe("1");
    expect(await versionOf(infer("tampered/versions/2"))).toBe("2");
    expect(await versionOf(infer("flowers"))).toBe("3");
    const changed = await change("PUT", "tampered/aliases/production", { version: 1 });
    expect(changed).toMatchObject({ status: 503, body: { code: "routing_corrupt" } });
  });

  test("so that an alias points to no version fails the requests that get it", async () => {
    await service.bucket.delete(KEY);
    await setAlias("tampered", "production", { split: { "1": 1, "2": 1 } });
    const object = await service.bucket.get(KEY);
    const text = await object?.text();
    await service.bucket.put(KEY, text?.replaceAll('"version": "2"', '"version": "77"') ?? "");
    const statuses = new Set<number>();
    for (let time = 0; time < 60 && statuses.size < 2; time++) {
      const response = await infer("tampered@production");
      statuses.add(response.status);
      if (response.status === 200) expect(response.headers.get("x-model-version")).toBe("1");
      else {
        expect(response.body).toMatchObject({ code: "routing_corrupt" });
        expect(JSON.stringify(response.body)).toContain("points to version 77");
      }
    }
    expect([...statuses].sort()).toEqual([200, 503]);
  });
});
