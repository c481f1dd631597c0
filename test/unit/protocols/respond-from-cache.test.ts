import { Hono } from "hono";
import { expect, test } from "vitest";
import { createEntryStore } from "../../../src/cache/entry-store.ts";
import { toLookup } from "../../../src/cache/lookup.ts";
import { createResponseCache } from "../../../src/cache/response-cache.ts";
import { NO_DIRECTIVES } from "../../../src/domain/cache-control.ts";
import { createCall } from "../../../src/domain/call.ts";
import type { ModelReference } from "../../../src/domain/model-id.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { Trace } from "../../../src/domain/trace.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { respond } from "../../../src/http/respond.ts";
import { resolveReference } from "../../../src/protocols/resolve-model.ts";
import {
  type RequestIdentity,
  respondFromCache,
} from "../../../src/protocols/respond-from-cache.ts";
import type { Services } from "../../../src/protocols/services.ts";
import { createManifest } from "../../support/cache-harness.ts";

const MAX_BODY_BYTES = 100_000;
const published: PublishedModel = {
  name: "echo",
  version: "1",
  versions: ["1"],
  revision: "1",
  manifest: createManifest(),
};

const MODEL_IN_BODY: RequestIdentity = {
  variesBy: () => "named",
  modelIn: (body) => new TextDecoder().decode(body).split(" ", 1)[0],
};

/**
 * An app with one operation whose path names the model, and one whose body does. Each response has one entry, which is a hit
 * in the local tier, and is the number of requests that reached the handler.
 */
function createTestApp({ isKnown = true, manifest = published.manifest } = {}) {
  const model = { ...published, manifest };
  const entries = createEntryStore([], undefined, {
    localBytes: 100_000,
    maxEntryBytes: 10_000,
    readTimeoutMs: 100,
  });
  const lookup = toLookup(model, NO_DIRECTIVES, { key: "k", useRemoteTiers: false });
  const outputs = [{ name: "first", datatype: "BYTES", shape: [1], data: ["text"] } as const];
  const entry = { ...lookup.address, createdAt: Date.now(), runMs: 1, outputs };
  const { trace, waitUntil } = createCall();
  entries.store(entry, lookup, trace.cache, waitUntil);

  const counts = { recalls: 0, resolves: 0, handled: 0 };
  const find = (name: string) => (name === model.name ? model : undefined);
  const services = {
    config: { maxBodyBytes: MAX_BODY_BYTES, cache: { tiers: ["isolate"] } },
    router: {
      recall: ({ name }: ModelReference) => {
        counts.recalls++;
        return isKnown ? find(name) : undefined;
      },
      resolve: async ({ name }: ModelReference) => {
        counts.resolves++;
        return find(name) ?? Promise.reject(new Error(`no model ${name}`));
      },
    },
    cache: entries,
    responseCache: createResponseCache(entries, { enabled: true }),
  } as unknown as Services;

  const app = new Hono<AppEnv>();
  app.onError((error, c) => c.text(error.message, 400));
  let traced: Trace | undefined;
  app.use(async (c, next) => {
    traced = new Trace();
    c.set("trace", traced);
    c.set("headers", {});
    c.set("requestId", "id");
    c.set("body", new Uint8Array(await c.req.arrayBuffer()));
    await next();
  });
  const operation = (path: string, identity: RequestIdentity): void => {
    app.post(path, respondFromCache(services, path, identity), async (c) => {
      counts.handled++;
      const body = c.get("body");
      const name = identity.modelIn?.(body) ?? c.req.param("model");
      await resolveReference(c, services.router, name ?? "");
      const report = c.get("trace").cache;
      report.key = "k";
      entries.findLocal(lookup, report);
      return respond(c, String(counts.handled), { variant: "" });
    });
  };
  operation("/by-path/:model", { variesBy: (c) => c.req.header("x-form") ?? "" });
  operation("/by-body", MODEL_IN_BODY);
  return {
    counts,
    async send(
      path: string,
      body: string | Uint8Array<ArrayBuffer>,
      headers: Record<string, string> = {},
    ) {
      const init = {
        method: "POST",
        body,
        headers: { "content-length": String(Buffer.byteLength(body)), ...headers },
      };
      const response = await app.request(path, init);
      return { status: response.status, text: await response.text(), trace: traced };
    },
  };
}

test.each([
  ["/by-path/echo", "a body"],
  ["/by-body", "echo a body"],
])("an identical request to %s does not reach the handler", async (path, body) => {
  const { send, counts } = createTestApp();
  expect((await send(path, body)).text).toBe("1");
  const { text, trace } = await send(path, body);
  expect([text, counts.handled]).toEqual(["1", 1]);
  expect(trace?.cache).toMatchObject({ outcome: "hit", isStoredResponse: true });
  expect([trace?.model, trace?.version]).toEqual(["echo", "1"]);
  expect((await send(path, `${body}!`)).text).toBe("2");
});

test.each([
  ["/by-path/echo", "a body"],
  ["/by-body", "echo a body"],
])("the model of a request to %s is resolved once", async (path, body) => {
  const { send, counts } = createTestApp();
  await send(path, body);
  expect(counts).toEqual({ recalls: 1, resolves: 0, handled: 1 });
  const cold = createTestApp({ isKnown: false });
  await cold.send(path, body);
  expect(cold.counts).toEqual({ recalls: 1, resolves: 1, handled: 1 });
});

test("a request of another form is another one", async () => {
  const { send } = createTestApp();
  expect((await send("/by-path/echo", "body", { "x-form": "a" })).text).toBe("1");
  expect((await send("/by-path/echo", "body", { "x-form": "b" })).text).toBe("2");
  expect((await send("/by-path/echo", "body", { "x-form": "b" })).text).toBe("2");
});

test.each<[string, Record<string, string>, string | Uint8Array<ArrayBuffer>]>([
  ["with no-cache", { "cache-control": "no-cache" }, "body"],
  ["with a large body", {}, "x".repeat(4097)],
])("a request %s is neither looked up nor stored", async (_, headers, body) => {
  const { send, counts } = createTestApp();
  for (let time = 1; time <= 2; time++) {
    expect((await send("/by-path/echo", body, headers)).text).toBe(String(time));
    expect(counts).toMatchObject({ recalls: 0, resolves: time });
  }
});

test("responses of a model whose entries belong to one client are not stored", async () => {
  const manifest = createManifest({ cache: { enabled: true, ttlSeconds: 60, scope: "key" } });
  const { send } = createTestApp({ manifest });
  expect((await send("/by-path/echo", "body")).text).toBe("1");
  expect((await send("/by-path/echo", "body")).text).toBe("2");
});

test("an empty body is left to the handler", async () => {
  const { send, counts } = createTestApp();
  await send("/by-path/echo", "");
  expect(counts).toMatchObject({ recalls: 0, handled: 1 });
});
