import type { MiddlewareHandler } from "hono";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Admission } from "../../../src/domain/admission.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { acquirePermit, admit } from "../../../src/http/admit.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { bodyOf, receive } from "../../../src/http/receive.ts";
import { respond } from "../../../src/http/respond.ts";
import { respondStream, toServerSentEvent } from "../../../src/http/stream.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { createBodyBudget } from "../../../src/inference/body-budget.ts";
import { createHttpApp, errorOf, type HttpApp } from "../../support/http-app.ts";

const MAX_TIMEOUT_MS = 10_000;

let app: HttpApp;
/** The arguments of the admission, and the service times reported to it. */
let timeouts: (number | undefined)[];
let samples: (number | undefined)[];
/** Ends the handler of `/held`. */
let finish: () => void;

beforeEach(() => {
  timeouts = [];
  samples = [];
  const { promise: held, resolve } = Promise.withResolvers<void>();
  finish = resolve;
  app = createHttpApp({ middleware: admitted(observed(1)) });
  app.routes.post("/echo", (c) => respond(c, String(bodyOf(c).byteLength)));
  app.routes.get("/quick", (c) => respond(c, "{}"));
  app.routes.get("/held", async (c) => {
    await held;
    return respond(c, "{}");
  });
  app.routes.get("/failing", () => {
    throw new ApiError("invalid_input", "The input is bad.");
  });
  app.routes.get("/run", (c) => {
    const trace = c.get("trace");
    const { searchParams } = new URL(c.req.url);
    Object.assign(trace.phasesMs, { body: 100, resolve: 100, parse: 1, infer: 4, serialize: 2 });
    trace.coldStart = searchParams.get("cold") === "yes";
    return respond(c, "{}");
  });
  app.routes.get("/stream", (c) => {
    async function* parts() {
      yield 1;
      await held;
      yield 2;
    }
    const format = { part: toServerSentEvent, error: ({ code }: ApiError) => `data: ${code}\n\n` };
    return respondStream(c, parts(), format);
  });
});

function admitted(admission: Admission): MiddlewareHandler<AppEnv>[] {
  const limits = { maxBytes: 100, budget: createBodyBudget({ limitBytes: 100_000 }) };
  return [
    receive({ admission, limits, isInference: true }),
    admit(admission, { modelOf: (c) => c.req.path, isSample: true }),
    acquirePermit,
  ];
}

function observed(maxInFlight: number): Admission {
  const admission = createAdmission({
    maxInFlight,
    maxQueueMs: 1000,
    maxTimeoutMs: MAX_TIMEOUT_MS,
  });
  return {
    ...admission,
    begin(timeoutMs) {
      timeouts.push(timeoutMs);
      return admission.begin(timeoutMs);
    },
    admit(request) {
      const permit = admission.admit(request);
      return {
        ...permit,
        release(serviceMs) {
          samples.push(serviceMs);
          permit.release(serviceMs);
        },
      };
    },
  };
}

async function isAdmitted(): Promise<boolean> {
  const { status } = await app.request("/quick");
  expect([200, 429]).toContain(status);
  return status === 200;
}

describe("a request above the limit", () => {
  test("is refused with 429 and the time to come back", async () => {
    const held = app.request("/held");
    const refused = await app.request("/quick");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await errorOf(refused)).toMatchObject({
      code: "overloaded",
      message: "1 requests are in flight, the most accepted. Try again in 1 s.",
    });
    expect(app.events).toMatchObject([
      { status: 429, errorCode: "overloaded", bytesOut: expect.any(Number) },
    ]);
    finish();
    expect((await held).status).toBe(200);
    expect(await isAdmitted()).toBe(true);
  });

  test("is refused before its body is read", async () => {
    const held = app.request("/held");
    await vi.waitFor(async () => expect(await isAdmitted()).toBe(false));
    let pulled = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    expect((await app.request("/echo", init)).status).toBe(429);
    expect(pulled).toBe(false);
    finish();
    await held;
  });
});

describe("the permit is released", () => {
  test("after the handler, whether it returns or throws", async () => {
    for (const path of ["/quick", "/failing", "/nowhere", "/quick"]) await app.request(path);
    expect(samples).toHaveLength(4);
    expect(await isAdmitted()).toBe(true);
    expect(app.isSettled()).toBe(true);
  });

  test("when the body of a stream has ended, and not before", async () => {
    const response = await app.request("/stream");
    const reader = response.body?.getReader();
    await reader?.read();
    expect(samples).toEqual([]);
    expect(await isAdmitted()).toBe(false);
    finish();
    await reader?.read();
    expect((await reader?.read())?.done).toBe(true);
    await app.settle();
    expect(samples).toEqual([undefined]);
    expect(await isAdmitted()).toBe(true);
  });

  test("when the client of a stream leaves", async () => {
    const response = await app.request("/stream");
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await app.settle();
    expect(samples).toEqual([undefined]);
    expect(await isAdmitted()).toBe(true);
  });
});

describe("the service time that is given back", () => {
  test("is the time in which the request kept the isolate busy", async () => {
    await app.request("/run");
    expect(samples).toEqual([7]);
  });

  test.each([
    ["waited for its model", "/run?cold=yes"],
    ["ran nothing", "/quick"],
    ["failed", "/failing"],
  ])("is not known of a request that %s", async (_, path) => {
    await app.request(path);
    expect(samples).toEqual([undefined]);
  });
});

describe("x-timeout-ms", () => {
  const send = (timeout: string): Promise<Response> =>
    app.request("/quick", { headers: { "x-timeout-ms": timeout } });

  test("is the deadline of the request; without it the configured one holds", async () => {
    expect((await send("1234")).status).toBe(200);
    expect((await app.request("/quick")).status).toBe(200);
    expect(timeouts).toEqual([1234, undefined]);
  });

  test.each(["0", "-1", "1.5", "soon", "1e3", "", "12345678901", " 5 5 "])(
    "of %j is refused",
    async (timeout) => {
      const response = await send(timeout);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        code: "invalid_request",
        message: `x-timeout-ms must be a positive integer of milliseconds; got ${JSON.stringify(timeout.trim())}.`,
      });
      expect(timeouts).toEqual([]);
    },
  );
});

test("the deadline of a request is its own, and at most the configured one", async () => {
  app.routes.get("/left", (c) => respond(c, String(c.get("deadline")?.timeoutMs)));
  const timeoutMs = async (headers: Record<string, string>): Promise<number> =>
    Number(await (await app.request("/left", { headers })).text());
  expect(await timeoutMs({ "x-timeout-ms": "50" })).toBe(50);
  expect(await timeoutMs({ "x-timeout-ms": "999999999" })).toBe(MAX_TIMEOUT_MS);
  expect(await timeoutMs({})).toBe(MAX_TIMEOUT_MS);
});

test("a request that sends its body slowly keeps no other one from being admitted", async () => {
  const { promise: rest, resolve: send } = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async pull(controller) {
      await rest;
      controller.enqueue(Uint8Array.of(1));
      controller.close();
    },
  });
  const slow = app.request("/echo", { method: "POST", body, duplex: "half" } as RequestInit);
  expect(await isAdmitted()).toBe(true);
  send();
  expect(await (await slow).text()).toBe("1");
});

test("requests wait for their time slice in the order of their arrival", async () => {
  const order: string[] = [];
  const busy = createHttpApp({ middleware: admitted(observed(10)) });
  busy.routes.get("/:name", (c) => {
    order.push(c.req.param("name"));
    return respond(c, "{}");
  });
  const names = Array.from("abcdef");
  await Promise.all(names.map((name) => busy.request(`/${name}`)));
  expect(order).toEqual(names);
});
