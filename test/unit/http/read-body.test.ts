import { deflateSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import type { BodyBudget } from "../../../src/domain/body-budget.ts";
import { Deadline } from "../../../src/domain/deadline.ts";
import { readBody } from "../../../src/http/read-body.ts";
import { createBodyBudget } from "../../../src/inference/body-budget.ts";
import { createHttpApp, errorOf, type HttpApp } from "../../support/http-app.ts";

const MAX_BYTES = 1000;
const TEXT = "Hello, Größe 漢字";
const BYTES = new Uint8Array(Buffer.from(TEXT));

let app: HttpApp;
let budget: BodyBudget;
let timeoutMs: number;

beforeEach(() => {
  timeoutMs = 10_000;
  budget = createBodyBudget({ limitBytes: 100_000 });
  app = createHttpApp();
  app.routes.post("/echo", async (c) => {
    const limits = { maxBytes: MAX_BYTES, budget };
    const bytes = await readBody(c, limits, new Deadline({ timeoutMs }));
    return new Response(bytes as Uint8Array<ArrayBuffer>);
  });
});

const FIRST_MEMBER = gzipSync(BYTES);
const TWO_MEMBERS = Buffer.concat([FIRST_MEMBER, gzipSync(BYTES)]);

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.byteLength + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** A body whose length is not known, and how many of its chunks were taken. */
function streamOf(chunks: readonly Uint8Array[]): { body: ReadableStream; taken(): number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[taken];
        if (!chunk) return controller.close();
        taken += 1;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken: () => taken };
}

function post(
  path: string,
  body: BodyInit | undefined,
  headers: Record<string, string> = {},
): Promise<Response> {
  const init = { method: "POST", headers, duplex: "half", ...(body === undefined ? {} : { body }) };
  return app.request(path, init as RequestInit);
}

const lengthOf = (bytes: Uint8Array): Record<string, string> => ({
  "content-length": String(bytes.byteLength),
});

describe("a body is read", () => {
  test("with its length", async () => {
    const response = await post("/echo", BYTES, lengthOf(BYTES));
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
  });

  test("in chunks without a length", async () => {
    const chunks = Array.from(BYTES, (byte) => Uint8Array.of(byte));
    const response = await post("/echo", streamOf(chunks).body);
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
  });

  test.each([
    ["gzip", gzipSync(BYTES)],
    ["x-gzip", gzipSync(BYTES)],
    ["GZIP", gzipSync(BYTES)],
    ["deflate", deflateSync(BYTES)],
    ["gzip", Buffer.concat([gzipSync(BYTES.subarray(0, 5)), gzipSync(BYTES.subarray(5))])],
    ["gzip", Buffer.concat([gzipSync(""), gzipSync(BYTES), gzipSync("")])],
    ["identity, gzip", gzipSync(BYTES)],
    ["gzip,identity", gzipSync(BYTES)],
    ["identity", BYTES],
    ["Identity, identity", BYTES],
    ["", BYTES],
  ])("with content-encoding %s", async (encoding, body) => {
    const headers = { ...lengthOf(body), "content-encoding": encoding };
    const response = await post("/echo", new Uint8Array(body), headers);
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
  });

  test("up to the limit", async () => {
    const body = new Uint8Array(MAX_BYTES).fill(7);
    for (const headers of [lengthOf(body), {}]) {
      const response = await post("/echo", body, headers);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
    }
  });

  test("and counted decompressed in the event, with the phase of reading", async () => {
    await post("/echo", new Uint8Array(gzipSync(BYTES)), { "content-encoding": "gzip" });
    expect(app.events).toMatchObject([
      { status: 200, bytesIn: BYTES.byteLength, phasesMs: { body: expect.any(Number) } },
    ]);
  });
});

test("several content codings, one applied after another, are refused by name", async () => {
  const body = new Uint8Array(gzipSync(gzipSync(BYTES)));
  const response = await post("/echo", body, { "content-encoding": "gzip, gzip" });
  expect(response.status).toBe(415);
  expect(await errorOf(response)).toMatchObject({
    message: expect.stringMatching(/content-encoding "gzip, gzip" applies several codings/),
  });
});

describe("a body that does not arrive", () => {
  /** A body that sends some bytes and then nothing, and whether it was cancelled. */
  function stalling(sent: Uint8Array): { body: ReadableStream; isCancelled(): boolean } {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(sent),
      cancel() {
        isCancelled = true;
      },
    });
    return { body, isCancelled: () => isCancelled };
  }

  test.each<[string, Record<string, string>]>([
    ["without a length", {}],
    ["compressed", { "content-encoding": "gzip" }],
  ])("is cancelled and refused at the deadline: %s", async (_, headers) => {
    timeoutMs = 30;
    const { body, isCancelled } = stalling(BYTES);
    const response = await post("/echo", body, headers);
    expect(response.status).toBe(408);
    expect(await errorOf(response)).toMatchObject({
      code: "body_timeout",
      message: "The body was not complete within the request's timeout of 30 ms.",
    });
    expect(isCancelled()).toBe(true);
    expect(app.isSettled()).toBe(true);
  });

  test("is refused at the deadline: with its length", async () => {
    timeoutMs = 30;
    const response = await post("/echo", stalling(BYTES).body, { "content-length": "500" });
    expect([response.status, (await errorOf(response)).code]).toEqual([408, "body_timeout"]);
  });
});

describe("the memory of bodies", () => {
  test("is reserved by content-length, and released with the response", async () => {
    budget = createBodyBudget({ limitBytes: 5000 });
    const body = new Uint8Array(MAX_BYTES);
    const held = stall();
    const first = post("/echo", held.body, lengthOf(body));
    const refused = await post("/echo", body, lengthOf(body));
    expect(refused.status).toBe(413);
    budget = createBodyBudget({ limitBytes: 12_000 });
    held.end();
    await first;
    for (let time = 0; time < 5; time++)
      expect((await post("/echo", body, lengthOf(body))).status).toBe(200);
    expect(app.isSettled()).toBe(true);
  });

  test("of several requests together is limited, with the numbers in the refusal", async () => {
    budget = createBodyBudget({ limitBytes: 9000 });
    const held = stall();
    const first = post("/echo", held.body, { "content-length": "800" });
    const refused = await post("/echo", new Uint8Array(500), { "content-length": "500" });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await errorOf(refused)).message).toBe(
      "The bodies of the requests in flight for this model take 4896 of 6750 bytes (MAX_BODIES_BYTES), and this one needs 4596 more. Try again in 1 s.",
    );
    held.end();
    expect((await first).status).toBe(200);
    expect((await post("/echo", new Uint8Array(500), { "content-length": "500" })).status).toBe(
      200,
    );
  });

  function stall(): { body: ReadableStream; end(): void } {
    let end = (): void => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        end = () => controller.close();
      },
    });
    return { body, end: () => end() };
  }
});

describe("a body over the limit is refused", () => {
  const large = new Uint8Array(MAX_BYTES + 1);

  async function expectTooLarge(response: Response): Promise<void> {
    expect(response.status).toBe(413);
    expect(await errorOf(response)).toMatchObject({
      code: "body_too_large",
      message: "The body is larger than the limit of 1000 bytes.",
    });
  }

  test("by its content-length, before anything is read", async () => {
    const { body, taken } = streamOf([large]);
    await expectTooLarge(await post("/echo", body, lengthOf(large)));
    expect(taken()).toBe(0);
  });

  test("without a length, as soon as it is over", async () => {
    const { body, taken } = streamOf(Array.from({ length: 100 }, () => new Uint8Array(400)));
    await expectTooLarge(await post("/echo", body));
    expect(taken()).toBeLessThan(10);
  });

  test("by its decompressed size, as soon as it is over", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(10_000_000)));
    const headers = { ...lengthOf(bomb), "content-encoding": "gzip" };
    await expectTooLarge(await post("/echo", bomb.subarray(0, 900), headers));
    await expectTooLarge(await post("/echo", bomb, { "content-encoding": "gzip" }));
  });

  test("when it is longer than its content-length", async () => {
    await expectTooLarge(await post("/echo", large, { "content-length": "10" }));
  });
});

describe("an empty body is empty bytes", () => {
  test.each<[string, BodyInit | undefined, Record<string, string>]>([
    ["that is not there", undefined, {}],
    ["of length 0", "", { "content-length": "0" }],
    ["of no chunks", streamOf([]).body, {}],
    ["that is compressed", new Uint8Array(gzipSync("")), { "content-encoding": "gzip" }],
  ])("if it is one %s", async (_, body, headers) => {
    const response = await post("/echo", body, headers);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

test("an encoding that is not known is refused by name", async () => {
  const response = await post("/echo", BYTES, { "content-encoding": "br" });
  expect(response.status).toBe(415);
  expect(await errorOf(response)).toMatchObject({
    code: "unsupported_media_type",
    message: expect.stringMatching(/content-encoding "br" .*gzip or deflate/),
  });
});

test.each([
  ["is not gzip", BYTES],
  ["ends too early", gzipSync(BYTES).subarray(0, 20)],
  ["has trailing garbage", Buffer.concat([gzipSync(BYTES), Buffer.from("xx")])],
  ["has trailing zeros", Buffer.concat([gzipSync(BYTES), Buffer.alloc(8)])],
  ["has a second member that ends too early", TWO_MEMBERS.subarray(0, -1)],
  ["has a second member with a wrong checksum", damaged(TWO_MEMBERS, -8)],
  ["has a first member with a wrong length", damaged(TWO_MEMBERS, FIRST_MEMBER.byteLength - 1)],
])("a compressed body that %s is refused", async (_, body) => {
  const response = await post("/echo", new Uint8Array(body), { "content-encoding": "gzip" });
  expect(response.status).toBe(400);
  expect(await errorOf(response)).toMatchObject({
    code: "invalid_request",
    message: "The body is not valid gzip data.",
  });
});

test("a connection that ends before the body is a fault of the client", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  const response = await post("/echo", body);
  expect(response.status).toBe(400);
  expect(await errorOf(response)).toMatchObject({
    code: "invalid_request",
    message: "The connection was closed before the body was complete.",
  });
  expect(app.events[0]?.phasesMs.body).toBeGreaterThanOrEqual(0);
});
