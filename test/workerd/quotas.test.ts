import { readFileSync } from "node:fs";
import { parseList } from "structured-headers";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { generateApiKey, generateKeyId } from "../../src/domain/access/api-key.ts";
import type { KeyFields } from "../../src/domain/access/stored-key.ts";
import { type AuthorityStub, createRemoteAuthority } from "../../src/guard/remote-authority.ts";
import { hostingAuthority, sharingAuthority } from "../support/authorities.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** Two Workers are two isolates of one deployment: they share models and the authority, and nothing else. */

const ADMIN = { label: "key:12345678", scopes: ["admin"] } as const;
const DAY_SECONDS = 86_400;
const IRIS = JSON.stringify({
  inputs: [{ name: "features", shape: [1, 4], datatype: "FP32", data: [5.1, 3.5, 1.4, 0.2] }],
});
const INFER = "/v2/models/iris-logistic/infer";
const { cases } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "generation", "pocket-gpt.json"), "utf8"),
) as { cases: readonly { readonly ids: readonly number[] }[] };
const [{ ids } = { ids: [] }] = cases;
const PROMPT = ids.slice(0, 8);

let workers: Workers;
let origins: readonly [string, string];

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: { ADMIN_KEY: "a-key-for-tests", CACHE_TIERS: "", MAX_QUEUE_MS: "1000000" },
    r2Buckets: { MODELS: "models" },
  };
  workers = await startWorkers([
    {
      name: "first",
      ...common,
      ...hostingAuthority(),
      ratelimits: { RATE_LIMITER: { namespace_id: "1", simple: { limit: 5, period: 60 } } },
    },
    {
      name: "second",
      ...common,
      ...sharingAuthority("first"),
      bindings: { ...common.bindings, CACHE_TIERS: "isolate" },
    },
  ]);
  origins = [await workers.originOf("first"), await workers.originOf("second")];
  const bucket = await workers.bucket("MODELS");
  for (const name of ["iris-logistic", "pocket-gpt", "sentence-embeddings"]) {
    const model = findModel(name);
    await publishAs(bucket, model, model.manifest);
  }
});

afterAll(() => workers?.dispose());

async function authority() {
  const namespace = await workers.miniflare.getDurableObjectNamespace("KEYS", "first");
  return createRemoteAuthority(
    () => namespace.get(namespace.idFromName("keys")) as unknown as AuthorityStub,
  );
}

interface Key {
  readonly id: string;
  send(path: string, body: string, options?: SendOptions): Promise<Response>;
}

interface SendOptions {
  readonly worker?: 0 | 1;
  readonly headers?: Record<string, string>;
}

async function createKey(fields: Partial<KeyFields>): Promise<Key> {
  const id = generateKeyId();
  const secret = generateApiKey(id);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  const identity = { id, sha256: Buffer.from(digest).toString("hex") };
  await (await authority()).createKey(
    identity,
    { name: "k", scopes: ["predict"], ...fields },
    ADMIN,
  );
  return {
    id,
    send: (path, body, { worker = 0, headers = {} } = {}) =>
      fetch(`${origins[worker]}${path}`, {
        method: "POST",
        body,
        headers: {
          authorization: `Bearer ${secret}`,
          "content-type": "application/json",
          ...headers,
        },
      }),
  };
}

const complete = (changes: object = {}): string =>
  JSON.stringify({ model: "pocket-gpt", prompt: PROMPT, temperature: 0, ...changes });

/** A List of Items, as names with their parameters. */
function items(response: Response, name: string): Record<string, Record<string, unknown>> {
  const entries = parseList(response.headers.get(name) ?? "").map(([item, parameters]) => [
    item,
    Object.fromEntries(parameters),
  ]);
  return Object.fromEntries(entries);
}

const remaining = (response: Response, budget: string): unknown =>
  items(response, "ratelimit")[budget]?.r;

describe("a daily quota of requests", () => {
  test("is one for all isolates, and its headers say what is left", async () => {
    const key = await createKey({
      quota: { requestsPerDay: 10 },
      rate: { requestsPerMinute: 500 },
    });
    const statuses: number[] = [];
    for (let request = 0; request < 16; request++) {
      const response = await key.send(INFER, IRIS, { worker: request % 2 === 0 ? 0 : 1 });
      statuses.push(response.status);
      expect(items(response, "ratelimit-policy")).toEqual({
        "requests-per-minute": { q: 500, w: 60 },
        "requests-per-day": { q: 10, w: DAY_SECONDS },
      });
      const { r, t } = items(response, "ratelimit")["requests-per-day"] ?? {};
      expect(r).toBeLessThan(10);
      expect(t).toBeGreaterThan(0);
      expect(t).toBeLessThanOrEqual(DAY_SECONDS);
      await response.arrayBuffer();
    }
    const successes = statuses.filter((status) => status === 200).length;
    expect(successes).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(16 - successes);
    // What one isolate has left is returned, and the other gets it.
    let all = successes;
    await poll("use of the whole quota", async () => {
      const response = await key.send(INFER, IRIS, { worker: 1 });
      if (response.status === 200) all += 1;
      return all === 10 ? true : undefined;
    });
    for (const worker of [0, 1] as const)
      expect((await key.send(INFER, IRIS, { worker })).status).toBe(429);
    await poll("report of the use", async () => {
      const usage = await (await authority()).usage(key.id);
      return usage["requests-per-day"] === 10 ? true : undefined;
    });
  });

  test.each([
    [
      "/models/iris-logistic",
      JSON.stringify({ inputs: [5.1, 3.5, 1.4, 0.2] }),
      "application/problem+json",
    ],
    [INFER, IRIS, "application/json"],
    [
      "/v1/models/iris-logistic:predict",
      JSON.stringify({ instances: [[5.1, 3.5, 1.4, 0.2]] }),
      "application/json",
    ],
  ])("that is used up is refused by %s in the form of its protocol", async (path, body, type) => {
    const key = await createKey({ quota: { requestsPerDay: 1 } });
    const first = await key.send(path, body);
    expect([first.status, remaining(first, "requests-per-day")]).toEqual([200, 0]);
    const refused = await key.send(path, body);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("content-type")).toBe(type);
    const { t } = items(refused, "ratelimit")["requests-per-day"] ?? {};
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(Number(t));
    const problem = (await refused.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      "violated-policies": ["requests-per-day"],
      code: "quota_exceeded",
    });
    if (type.startsWith("application/problem"))
      expect(problem).toMatchObject({ status: 429, title: "The quota is exceeded" });
    else expect(problem.error).toMatch(/^The API key's quota is 1 requests a day/);
  });

  test("does not count what the service refuses, and counts what the client does wrong", async () => {
    const key = await createKey({ quota: { requestsPerDay: 2 } });
    expect((await key.send(INFER, "{}")).status).toBe(400);
    expect((await key.send(INFER, IRIS)).status).toBe(200);
    expect((await key.send(INFER, IRIS)).status).toBe(429);
  });

  test("counts cached answers, whose headers are of the key that gets them", async () => {
    const one = await createKey({ quota: { requestsPerDay: 50 } });
    const other = await createKey({ quota: { requestsPerDay: 20 } });
    const free = await createKey({});
    const worker = 1;
    await (await one.send(INFER, IRIS, { worker })).arrayBuffer();
    const second = await one.send(INFER, IRIS, { worker });
    expect(remaining(second, "requests-per-day")).toBe(48);
    const third = await other.send(INFER, IRIS, { worker });
    expect(remaining(third, "requests-per-day")).toBe(19);
    const fourth = await free.send(INFER, IRIS, { worker });
    expect(fourth.status).toBe(200);
    expect([fourth.headers.get("ratelimit"), fourth.headers.get("ratelimit-policy")]).toEqual([
      null,
      null,
    ]);
  });
});

describe("tokens", () => {
  test("are charged as usage says, and OpenAI's headers tell what is left", async () => {
    const key = await createKey({
      quota: { tokensPerDay: 1000 },
      rate: { tokensPerMinute: 400, requestsPerMinute: 100 },
    });
    const response = await key.send("/v1/completions", complete({ max_tokens: 5 }));
    expect(response.status).toBe(200);
    const { usage } = (await response.json()) as { usage: { total_tokens: number } };
    expect(usage.total_tokens).toBe(PROMPT.length + 5);
    const next = await key.send("/v1/completions", complete({ max_tokens: 1 }));
    const left = 400 - usage.total_tokens - (PROMPT.length + 1);
    expect(next.headers.get("x-ratelimit-limit-tokens")).toBe("400");
    expect(next.headers.get("x-ratelimit-remaining-tokens")).toBe(String(left));
    expect(next.headers.get("x-ratelimit-reset-tokens")).toMatch(/^\d+s$|^1m0s$/);
    expect(next.headers.get("x-ratelimit-limit-requests")).toBe("100");
    expect(next.headers.get("x-ratelimit-remaining-requests")).toBe("98");
    expect(remaining(next, "tokens-per-day")).toBe(1000 - (400 - left));
    expect(items(next, "ratelimit-policy")["tokens-per-day"]).toEqual({
      q: 1000,
      qu: "tokens",
      w: DAY_SECONDS,
    });
  });

  test("that a request may need are reserved before it generates any", async () => {
    const key = await createKey({ quota: { tokensPerDay: 40 } });
    const refused = await key.send("/v1/completions", complete({ max_tokens: 100 }));
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-should-retry")).toBe("false");
    expect(await refused.json()).toEqual({
      error: {
        message: expect.stringMatching(
          /^The API key's quota is 40 tokens a day, of which 40 are left, and the request may need 108: ask for fewer tokens/,
        ),
        type: "insufficient_quota",
        param: null,
        code: "quota_exceeded",
      },
    });
    expect(remaining(refused, "tokens-per-day")).toBe(40);
    const accepted = await key.send("/v1/completions", complete({ max_tokens: 32 }));
    expect(accepted.status).toBe(200);
  });

  test("of a stream are charged when it has ended, also one whose client leaves", async () => {
    const key = await createKey({ quota: { tokensPerDay: 300 } });
    const stream = await key.send("/v1/completions", complete({ max_tokens: 100, stream: true }));
    // While it is generated, all that it may need is reserved.
    expect(remaining(stream, "tokens-per-day")).toBe(300 - PROMPT.length - 100);
    const reader = stream.body?.getReader();
    await reader?.read();
    await reader?.read();
    await reader?.cancel();
    const left = await poll("release of what was not generated", async () => {
      const response = await key.send("/v1/completions", complete({ max_tokens: 1 }));
      await response.arrayBuffer();
      const found = Number(remaining(response, "tokens-per-day"));
      return found > 300 - PROMPT.length - 100 ? found : undefined;
    });
    expect(left).toBeLessThan(300 - PROMPT.length);
  });

  test("of several choices count their prompt once", async () => {
    const key = await createKey({ quota: { tokensPerDay: 200 } });
    const response = await key.send(
      "/v1/completions",
      complete({ max_tokens: 4, n: 2, temperature: 1 }),
    );
    expect(response.status).toBe(200);
    const { usage } = (await response.json()) as { usage: { total_tokens: number } };
    const next = await key.send("/v1/completions", complete({ max_tokens: 1 }));
    expect(remaining(next, "tokens-per-day")).toBe(200 - usage.total_tokens - PROMPT.length - 1);
    const many = await key.send("/v1/completions", complete({ max_tokens: 20, n: 8 }));
    expect(many.status).toBe(429);
  });

  test("of texts that are read count too", async () => {
    const key = await createKey({ quota: { tokensPerDay: 30 } });
    const body = JSON.stringify({ model: "sentence-embeddings", input: "The cat sits outside." });
    const first = await key.send("/v1/embeddings", body);
    const { usage } = (await first.json()) as { usage: { total_tokens: number } };
    const second = await key.send("/v1/embeddings", body);
    expect(remaining(second, "tokens-per-day")).toBe(30 - 2 * usage.total_tokens);
  });

  test("of cached answers are not charged", async () => {
    const key = await createKey({ quota: { tokensPerDay: 100 } });
    const worker = 1;
    const answers = [];
    for (let request = 0; request < 3; request++) {
      const response = await key.send("/v1/completions", complete({ max_tokens: 6 }), { worker });
      answers.push(remaining(response, "tokens-per-day"));
      await response.arrayBuffer();
    }
    expect(answers[2]).toBe(100 - PROMPT.length - 6);
  });
});

describe("other budgets", () => {
  test("concurrency is one for all isolates, and a slot is free when a stream has ended", async () => {
    const key = await createKey({ concurrency: 1 });
    const stream = await key.send("/v1/completions", complete({ max_tokens: 200, stream: true }));
    expect(items(stream, "ratelimit-policy")).toEqual({
      concurrency: { q: 1, qu: "concurrent-requests" },
    });
    expect(items(stream, "ratelimit")).toEqual({ concurrency: { r: 0 } });
    for (const worker of [0, 1] as const) {
      const refused = await key.send(INFER, IRIS, { worker });
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
      expect(await refused.json()).toMatchObject({
        code: "rate_limited",
        "violated-policies": ["concurrency"],
      });
    }
    await stream.body?.cancel();
    await poll("a free slot in the other isolate", async () => {
      const response = await key.send(INFER, IRIS, { worker: 1 });
      await response.arrayBuffer();
      return response.status === 200 ? true : undefined;
    });
  });

  test("CPU time is charged by what was measured", async () => {
    const key = await createKey({ quota: { cpuMsPerDay: 100_000 } });
    const first = await key.send("/v1/completions", complete({ max_tokens: 50 }));
    await first.arrayBuffer();
    const second = await key.send(INFER, IRIS);
    const left = Number(remaining(second, "cpu-ms-per-day"));
    expect(left).toBeLessThan(100_000);
    expect(left).toBeGreaterThan(50_000);
    expect(items(second, "ratelimit-policy")["cpu-ms-per-day"]).toMatchObject({
      qu: "cpu-milliseconds",
    });
  });

  test("a quota that is changed is the one that counts within seconds", async () => {
    const key = await createKey({ quota: { requestsPerDay: 1 } });
    expect((await key.send(INFER, IRIS)).status).toBe(200);
    expect((await key.send(INFER, IRIS)).status).toBe(429);
    await (await authority()).updateKey(key.id, { quota: { requestsPerDay: 3 } }, ADMIN);
    await poll("the other quota", async () => {
      const response = await key.send(INFER, IRIS);
      return response.status === 200 ? true : undefined;
    });
  });
});

describe("limits of single requests", () => {
  test.each([
    [{ bodyBytes: 50 }, INFER, IRIS, 413, `the API key's limit "bodyBytes" of 50 bytes`],
    [
      { batch: 2 },
      "/models/iris-logistic",
      JSON.stringify({ inputs: Array(3).fill([5.1, 3.5, 1.4, 0.2]) }),
      400,
      `The API key's limit "batch" permits 2 inputs in one request, and this one has 3.`,
    ],
    [
      { batch: 2 },
      INFER,
      IRIS.replace("[1,4]", "[3,4]").replace(
        "[5.1,3.5,1.4,0.2]",
        JSON.stringify(Array(12).fill(1)),
      ),
      400,
      `The API key's limit "batch" permits 2 inputs in one request, and this one has 3.`,
    ],
    [
      { tokens: 10 },
      "/v1/completions",
      complete({ max_tokens: 11 }),
      400,
      `The API key's limit "tokens" permits 10 tokens generated by one request, and this one may generate 11`,
    ],
    [
      { tokens: 10 },
      "/v1/completions",
      complete({ max_tokens: 6, n: 2 }),
      400,
      `The API key's limit "tokens" permits 10 tokens generated by one request, and this one may generate 12`,
    ],
    [
      { timeoutMs: 1 },
      "/v1/completions",
      complete({ max_tokens: 60 }),
      429,
      "The request's timeout of 1 ms passed",
    ],
  ])("%o refuses %s", async (limits, path, body, status, message) => {
    const key = await createKey({ limits });
    const response = await key.send(path, body);
    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining(JSON.stringify(message).slice(1, -1)),
    ]);
    const within = await createKey({ limits: { bodyBytes: 10_000, batch: 3, tokens: 300 } });
    expect((await within.send(path, body)).status).toBe(200);
  });
});

test("a flood from one address is refused before anything is done for it", async () => {
  const get = (address: string): Promise<Response> =>
    fetch(`${origins[0]}/v2/health/live`, { headers: { "cf-connecting-ip": address } });
  const statuses = [];
  for (let request = 0; request < 7; request++)
    statuses.push((await get(`2001:db8:0:1::${request}`)).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
  const refused = await get("2001:db8:0:1::9");
  expect(refused.headers.get("retry-after")).toBe("60");
  expect(await refused.json()).toMatchObject({
    code: "rate_limited",
    "violated-policies": ["address"],
  });
  expect((await get("2001:db8:0:2::1")).status).toBe(200);
  expect((await fetch(`${origins[0]}/v2/health/live`)).status).toBe(200);
});
