import { deflateSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { readBody, readOptionalBody } from "../../../src/http/read-body.ts";
import { createHttpApp, errorOf, type HttpApp } from "../../support/http-app.ts";

const MAX_BYTES = 1000;
const TEXT = "Hello, Größe 漢字";
const BYTES = new Uint8Array(Buffer.from(TEXT));

let app: HttpApp;

beforeEach(() => {
  app = createHttpApp();
  app.routes.post("/echo", async (c) => new Response(await readBody(c, MAX_BYTES)));
  app.routes.post("/optional", async (c) => {
    const body = await readOptionalBody(c, MAX_BYTES);
    return c.json({ bytes: body?.byteLength ?? null });
  });
  app.routes.post("/twice", async (c) => {
    const first = await readBody(c, MAX_BYTES);
    return c.json({ same: (await readBody(c, MAX_BYTES)) === first });
  });
});

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
    ["identity", BYTES],
  ])("with content-encoding %s", async (encoding, body) => {
    const headers = { ...lengthOf(body), "content-encoding": encoding };
    const response = await post("/echo", new Uint8Array(body), headers);
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
  });

  test("once, and given again to who reads it later", async () => {
    expect(await (await post("/twice", BYTES)).json()).toEqual({ same: true });
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

describe("an empty body", () => {
  test.each<[string, BodyInit | undefined, Record<string, string>]>([
    ["that is not there", undefined, {}],
    ["of length 0", "", { "content-length": "0" }],
    ["of no chunks", streamOf([]).body, {}],
    ["that is compressed", new Uint8Array(gzipSync("")), { "content-encoding": "gzip" }],
  ])("%s is refused", async (_, body, headers) => {
    const response = await post("/echo", body, headers);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "empty_body" });
  });

  test("is undefined where it is optional", async () => {
    expect(await (await post("/optional", undefined)).json()).toEqual({ bytes: null });
    expect(await (await post("/optional", "")).json()).toEqual({ bytes: null });
    expect(await (await post("/optional", "a")).json()).toEqual({ bytes: 1 });
  });
});

test("a body over the limit is refused also where it is optional", async () => {
  const response = await post("/optional", new Uint8Array(MAX_BYTES + 1));
  expect(response.status).toBe(413);
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
