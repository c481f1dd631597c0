import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAdministeredService } from "../support/administration.ts";
import { PRODUCT_COLUMNS, powers, product, sum } from "../support/awkward-models.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { beginPost, bodyIsRead } from "../support/raw-request.ts";
import type { TestResponse } from "../support/service.ts";
import { store } from "../support/stored-model.ts";

/** Which requests are admitted. They are kept in flight by storage that is paused, or by slow runs. */

const MAX_IN_FLIGHT = 4;
const CACHED = { enabled: true, ttlSeconds: 60, scope: "public" } as const;

let service: HeldService;
let seed = 0;

beforeAll(async () => {
  service = await startHeldService({ MAX_IN_FLIGHT: `${MAX_IN_FLIGHT}`, MAX_QUEUE_MS: "1000" });
  await store(service.bucket, "small", sum(1));
});

afterAll(() => service?.dispose());

const SMALL = "/v2/models/small/infer";
const small = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] };
const data = Array.from({ length: PRODUCT_COLUMNS }, () => 1);
const large = { inputs: [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }] };

/** The path of a model that was never loaded. */
async function storeFresh(): Promise<string> {
  seed += 1;
  await store(service.bucket, `fresh-${seed}`, product(1, seed));
  return `/v2/models/fresh-${seed}/infer`;
}

/** Starts requests that wait for storage, each for its own model, until storage has received them. */
async function occupy(count: number): Promise<Promise<TestResponse>[]> {
  const responses: Promise<TestResponse>[] = [];
  const { holding } = await service.storage();
  for (let i = 1; i <= count; i++) {
    responses.push(service.post(await storeFresh(), large));
    await service.storage((state) => state.holding === holding + i);
  }
  return responses;
}

function expectRefused(response: TestResponse, code: string, message: RegExp): void {
  expect(response).toMatchObject({ status: 429, body: { code } });
  expect(response.body).toMatchObject({
    error: expect.stringMatching(message),
    details: { retryAfterSeconds: Number(response.headers.get("retry-after")) },
  });
  expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
}

describe("MAX_IN_FLIGHT", () => {
  test("a request over MAX_IN_FLIGHT is refused with retry-after, and admitted later", async () => {
    await service.hold();
    const responses = await occupy(MAX_IN_FLIGHT);
    expectRefused(
      await service.post(SMALL, small),
      "overloaded",
      /^4 requests are in flight, the most accepted\. Try again in 1 s\.$/,
    );
    // The task API has the same limit, and everything else has none.
    expect(await service.post("/models/small", { inputs: [1] })).toMatchObject({ status: 429 });
    expect(await service.request("/v2/health/ready")).toMatchObject({ status: 200 });
    expect(await service.request("/v2/models/small")).toMatchObject({ status: 200 });
    await service.release();
    for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
    expect(await service.post(SMALL, small)).toMatchObject({ status: 200 });
  });

  test("a request over MAX_IN_FLIGHT is refused before its body is read", async () => {
    await service.hold();
    const responses = await occupy(MAX_IN_FLIGHT);
    const response = await service.request(SMALL, { method: "POST", body: "not even JSON" });
    expectRefused(response, "overloaded", /in flight/);
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event).toMatchObject({ status: 429, errorCode: "overloaded", bytesIn: 0, phasesMs: {} });
    await service.release();
    await Promise.all(responses);
  });

  test("failed requests release their permits", async () => {
    for (let i = 0; i < 3 * MAX_IN_FLIGHT; i++)
      expect(await service.post(SMALL, { inputs: [] })).toMatchObject({ status: 400 });
    expect(await service.post(SMALL, small)).toMatchObject({ status: 200 });
  });

  test("requests whose clients disconnected release their permits", async () => {
    for (let round = 0; round < 3; round++) {
      const { abandoned } = await service.storage();
      const path = await storeFresh();
      await service.hold();
      const ids = Array.from({ length: MAX_IN_FLIGHT }, (_, index) => `gone-${round}-${index}`);
      const sockets = [];
      for (const id of ids)
        sockets.push(await beginPost(service.origin, path, large, { "x-request-id": id }));
      await service.storage(({ holding }) => holding === 1);
      expectRefused(await infer(), "overloaded", /in flight/);
      for (const socket of sockets) socket.resetAndDestroy();
      await service.storage((state) => state.abandoned === abandoned + MAX_IN_FLIGHT);
      await service.release();
      await Promise.all(ids.map((id) => service.event(id)));

      await service.hold();
      const responses = await occupy(MAX_IN_FLIGHT);
      await service.release();
      for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
    }
  });
});

function infer(headers: Record<string, string> = {}): Promise<TestResponse> {
  return service.post(SMALL, small, headers);
}

describe("requests that keep the engine busy", () => {
  const LIMIT = 24;
  /** Of which one model gets seven eighths. */
  const OF_ALL_MODELS = 27;
  /** A run takes about 25 ms. */
  const SLOW = powers(20);

  test.each([
    { CACHE_TIERS: "" },
    // Small bodies are read, and looked up in the response cache, before a request acquires its permit.
    { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "3600" },
  ])(
    "requests that arrive while the engine is busy are counted, and refused at once: %o",
    async (cache) => {
      const vars = { MAX_IN_FLIGHT: `${OF_ALL_MODELS}`, MAX_QUEUE_MS: "1000000", ...cache };
      const busy = await startAdministeredService({ vars });
      try {
        await store(busy.bucket, "slow", SLOW, { cache: CACHED });
        // Each with its own id and input: identical ones would run once.
        let sent = 0;
        const inferSlow = async (): Promise<TestResponse> => {
          sent += 1;
          const data = [sent];
          const inputs = [{ name: "x", datatype: "FP32", shape: [1], data }];
          const response = await busy.post("/v2/models/slow/infer", { inputs });
          if (response.status !== 429)
            expect(response).toMatchObject({
              status: 200,
              body: { outputs: [{ name: "y", data }] },
            });
          return response;
        };
        const together = <T>(work: () => Promise<T>): Promise<T>[] =>
          Array.from({ length: LIMIT }, work);
        for (let run = 0; run < 3; run++) expect(await inferSlow()).toMatchObject({ status: 200 });
        // Connections that are already open, so that all requests have arrived when the first run begins.
        await Promise.all(together(() => busy.request("/v2/health/live")));

        const early = together(inferSlow);
        await Promise.any(early);
        const late = await Promise.all(together(inferSlow));
        for (const response of await Promise.all(early))
          expect(response).toMatchObject({ status: 200 });
        const refused = late.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(LIMIT / 4);
        for (const response of late)
          if (response.status === 429)
            expectRefused(response, "overloaded", /^\d+ requests are in flight/);
        expect(await inferSlow()).toMatchObject({ status: 200 });
      } finally {
        await busy.dispose();
      }
    },
  );
});

/** A run of about 25 ms, with an output for each row, of a batch that is always 1. */
const SLOW_ROWS = {
  ...powers(20),
  outputs: [{ name: "z", datatype: "FP32", shape: [1] }],
  nodes: [...powers(20).nodes, { op: "Expand", inputs: ["y", "one"], outputs: ["z"] }],
  weights: [
    ...(powers(20).weights ?? []),
    { name: "one", datatype: "INT64", shape: [1], data: BigInt64Array.of(1n) },
  ],
} as const;
const SLOW_TASK = {
  task: "tabular-regression",
  preprocess: { type: "array", version: 1, input: "x" },
  postprocess: { type: "regression", version: 1, output: "z" },
} as const;

describe("a request of many runs", () => {
  test("a request of many runs lets other requests run in between", async () => {
    const shared = await startAdministeredService({});
    try {
      await store(shared.bucket, "slow", SLOW_ROWS, SLOW_TASK);
      await store(shared.bucket, "small", sum(1));
      const small = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] };
      const inferSmall = (): Promise<TestResponse> => shared.post("/v2/models/small/infer", small);
      expect(await inferSmall()).toMatchObject({ status: 200 });
      expect(await shared.post("/models/slow", { inputs: [0.5] })).toMatchObject({ body: [0.5] });
      const order: string[] = [];
      const items = Array.from({ length: 30 }, () => 0.5);
      const long = shared.post("/models/slow", { inputs: items }).finally(() => order.push("long"));
      // The first of them is sent after the long one, and perhaps admitted before it.
      for (let sent = 0; sent < 4; sent++) {
        expect(await inferSmall()).toMatchObject({
          status: 200,
          body: { outputs: [{ data: [2] }] },
        });
        order.push("small");
      }
      expect(await long).toMatchObject({ status: 200, body: items });
      expect(order).toEqual(["small", "small", "small", "small", "long"]);
    } finally {
      await shared.dispose();
    }
  });
});

describe("a client that disconnects", () => {
  test("ends its request at the next run, whatever is left of it", async () => {
    const shared = await startAdministeredService({});
    try {
      await store(shared.bucket, "slow", SLOW_ROWS, SLOW_TASK);
      expect(await shared.post("/models/slow", { inputs: [0.5] })).toMatchObject({ body: [0.5] });
      const items = Array.from({ length: 200 }, () => 0.5);
      const id = { "x-request-id": "left" };
      const socket = await beginPost(shared.origin, "/models/slow", { inputs: items }, id);
      // Its first runs: another request is served between two of them.
      await shared.request("/v2/health/live");
      socket.resetAndDestroy();
      const event = await shared.event("left");
      expect(event).toMatchObject({ errorCode: "client_closed_request" });
      // 200 runs of 25 ms take 5 s.
      expect(event.phasesMs.infer ?? 0).toBeLessThan(2500);
    } finally {
      await shared.dispose();
    }
  });
});

describe("a request whose response is stored", () => {
  let held: HeldService;

  beforeAll(async () => {
    held = await startHeldService({
      CACHE_TIERS: "isolate",
      CATALOG_TTL_SECONDS: "3600",
      MAX_IN_FLIGHT: "1",
    });
    await store(held.bucket, "small", sum(1), { cache: CACHED });
    await store(held.bucket, "large", product(1, 1));
    // A run, a hit that stores its response, and a hit that uses it.
    for (let time = 0; time < 3; time++) expect(await inferHeld()).toMatchObject({ status: 200 });
  });

  afterAll(() => held?.dispose());

  function inferHeld(headers: Record<string, string> = {}): Promise<TestResponse> {
    return held.post(SMALL, small, headers);
  }

  test("a stored response is sent without a permit from the queue; limit and deadline still apply", async () => {
    expect(await inferHeld({ "x-timeout-ms": "soon" })).toMatchObject({ status: 400 });
    await held.hold();
    const waiting = held.post("/v2/models/large/infer", large);
    await held.storage(({ holding }) => holding === 1);
    expectRefused(await inferHeld(), "overloaded", /in flight/);
    await held.release();
    expect(await waiting).toMatchObject({ status: 200 });
    const response = await inferHeld();
    const { phasesMs } = await held.event(String(response.headers.get("x-request-id")));
    expect(Object.keys(phasesMs)).toEqual(["body", "cache"]);
  });

  test("a client that sends its body slowly holds no permit, and may disconnect", async () => {
    const socket = await beginPost(held.origin, SMALL, small, {
      "x-request-id": "gone",
      "content-length": "1000",
      expect: "100-continue",
    });
    await bodyIsRead(socket);
    expect(await inferHeld()).toMatchObject({ status: 200 });
    socket.resetAndDestroy();
    expect(await held.event("gone")).toMatchObject({
      status: 400,
      errorCode: "invalid_request",
    });
    expect(await inferHeld()).toMatchObject({ status: 200 });
  });
});

describe("a deadline", () => {
  test.each(["0", "-1", "1.5", "soon", "1e3", "12345678901"])(
    "the x-timeout-ms %s is refused",
    async (timeout) => {
      expect(await infer({ "x-timeout-ms": timeout })).toMatchObject({
        status: 400,
        body: { code: "invalid_request", error: expect.stringContaining("x-timeout-ms") },
      });
    },
  );

  test("a late deadline has no effect", async () => {
    expect(await infer({ "x-timeout-ms": "60000" })).toMatchObject({ status: 200 });
    const parameters = { timeout: 60_000_000 };
    expect(await service.post(SMALL, { ...small, parameters })).toMatchObject({ status: 200 });
  });

  /** Requests a model whose load takes longer than the deadline. */
  async function inferTooLate(
    value: object,
    headers: Record<string, string>,
  ): Promise<TestResponse> {
    const path = await storeFresh();
    await service.hold();
    const response = service.post(path, value, headers);
    await service.storage(({ holding }) => holding === 1);
    // The deadline is one of the Worker's own clock, which another request moves on.
    await pause(40);
    await service.storage();
    await service.release();
    return response;
  }

  test("a request whose x-timeout-ms passes before its run fails with deadline_exceeded", async () => {
    const response = await inferTooLate(large, { "x-timeout-ms": "20" });
    const message = /^The request's timeout of 20 ms passed after \d+ ms/;
    expectRefused(response, "deadline_exceeded", message);
  });

  test("the timeout parameter of the protocol is in microseconds", async () => {
    const response = await inferTooLate({ ...large, parameters: { timeout: 15_000 } }, {});
    expectRefused(response, "deadline_exceeded", /^The request's timeout of 15 ms passed/);
  });

  test("the earlier deadline of header and parameter applies", async () => {
    const parameters = { timeout: 10_000 };
    for (const [header, shown] of [
      ["5000", 10],
      ["5", 5],
    ] as const) {
      const response = await inferTooLate({ ...large, parameters }, { "x-timeout-ms": header });
      expectRefused(response, "deadline_exceeded", new RegExp(`timeout of ${shown} ms passed`));
    }
  });

  test("a passed deadline does not affect other requests for the model", async () => {
    const path = await storeFresh();
    await service.hold();
    const late = service.post(path, large, { "x-timeout-ms": "1" });
    await service.storage(({ holding }) => holding === 1);
    const patient = service.post(path, large);
    await pause(10);
    await service.storage();
    await service.release();
    expect(await late).toMatchObject({ status: 429, body: { code: "deadline_exceeded" } });
    expect(await patient).toMatchObject({ status: 200 });
  });
});
