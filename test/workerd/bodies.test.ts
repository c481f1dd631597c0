import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readWorkerd } from "../../bench/workerd-process.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import { beginPost, beginPut, readResponse } from "../support/raw-request.ts";

/** Bodies over real sockets: slow ones, ones in tiny chunks, and connections that continue after a refusal. */

const PATH = "/v2/models/iris-logistic/infer";
const REQUEST = {
  inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }],
};
const TIMEOUT_MS = 1500;
const BODY_BYTES = 2_000_000;

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["iris-logistic"],
    vars: { TIMEOUT_MS: `${TIMEOUT_MS}`, MAX_BODY_BYTES: `${BODY_BYTES}`, MAX_IN_FLIGHT: "16" },
  });
  expect(await service.post(PATH, REQUEST)).toMatchObject({ status: 200 });
});

afterAll(() => service?.dispose());

async function startPatientService(): Promise<AdministeredService & AsyncDisposable> {
  const started = await startAdministeredService({ models: ["iris-logistic"] });
  expect(await started.post(PATH, REQUEST)).toMatchObject({ status: 200 });
  return { ...started, [Symbol.asyncDispose]: () => started.dispose() };
}

/** A POST whose head is sent, with the first bytes of its body. */
function open(
  headers: readonly string[],
  beginning: string,
  { origin } = service,
): Promise<Socket> {
  const { hostname, port } = new URL(origin);
  return new Promise((opened, failed) => {
    const socket = connect(Number(port), hostname, () => {
      const head = [`POST ${PATH} HTTP/1.1`, "host: localhost", ...headers, "", beginning];
      socket.write(head.join("\r\n"), () => opened(socket));
    });
    socket.once("error", failed);
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.resume();
  });
}

describe("a body that stalls", () => {
  test.each<[string, readonly string[], string]>([
    ["with its length", ["content-length: 1000"], "{"],
    ["with a large length", [`content-length: ${BODY_BYTES}`], "{".repeat(100_000)],
    ["in chunks", ["transfer-encoding: chunked"], "1\r\n{\r\n"],
    ["compressed", ["content-encoding: gzip", "content-length: 1000"], "abc"],
    ["with a longer deadline", ["x-timeout-ms: 999999999", "content-length: 1000"], "{"],
  ])("ends with 408 at the deadline, and its connection is closed: %s", async (_, head, body) => {
    const socket = await open(head, body);
    const response = await readResponse(socket);
    expect(response).toMatchObject({
      status: 408,
      body: {
        code: "body_timeout",
        error: `The body was not complete within the request's timeout of ${TIMEOUT_MS} ms.`,
      },
    });
    await closed(socket);
  });

  test("keeps no other request from being admitted, however many there are", async () => {
    const heads = Array.from({ length: 130 }, () => open(["content-length: 900000"], "{"));
    const sockets = await Promise.all(heads);
    for (let time = 0; time < 5; time++)
      expect(await service.post(PATH, REQUEST)).toMatchObject({ status: 200 });
    await Promise.all(
      sockets.map(async (socket) => {
        expect((await readResponse(socket)).status).toBe(408);
      }),
    );
  });

  test("of an upload ends it, too", async () => {
    const socket = await beginPut(service.origin, "/admin/models/stalled/versions/1", {
      authorization: `Bearer ${ADMIN_KEY}`,
      beginning: new Uint8Array(100_000),
      sizeBytes: 5_000_000,
    });
    expect(await readResponse(socket)).toMatchObject({
      status: 408,
      body: { code: "body_timeout" },
    });
    await closed(socket);
  });
});

test("a body in 300,000 chunks of one byte takes no more memory than its bytes", async () => {
  const rssBytes = (): number => readWorkerd().residentBytes;
  // Without a deadline that a busy machine misses.
  await using patient = await startPatientService();
  const before = rssBytes();
  for (const encoding of ["identity", "gzip"]) {
    const text = JSON.stringify({ ...REQUEST, id: "x".repeat(300_000) });
    const body = encoding === "gzip" ? gzipSync(text, { level: 0 }) : Buffer.from(text);
    const chunks: Buffer[] = [];
    for (const byte of body)
      chunks.push(Buffer.from("1\r\n"), Buffer.of(byte), Buffer.from("\r\n"));
    chunks.push(Buffer.from("0\r\n\r\n"));
    const socket = await open(
      ["transfer-encoding: chunked", `content-encoding: ${encoding}`],
      "",
      patient,
    );
    socket.write(Buffer.concat(chunks));
    expect((await readResponse(socket)).status).toBe(200);
    socket.destroy();
  }
  // Every chunk as an object of its own took 7 KB, 2 GB in all.
  expect(rssBytes() - before).toBeLessThan(100_000_000);
});

describe("a refusal before the body is read", () => {
  test.each<[string, number, readonly string[]]>([
    ["too large", 413, [`content-length: ${BODY_BYTES + 1}`]],
    ["an unknown coding", 415, ["content-encoding: br", "content-length: 100"]],
  ])("ends the request at once, while its body is not sent: %s", async (_, status, head) => {
    const socket = await open(head, "");
    expect((await readResponse(socket)).status).toBe(status);
    await closed(socket);
  });

  test("leaves a connection usable, once the body is sent", async () => {
    const socket = await beginPost(service.origin, PATH, REQUEST, { "content-encoding": "br" });
    const responses: string[] = [];
    const next = (): Promise<string> =>
      new Promise((resolve) => socket.once("data", (bytes) => resolve(bytes.toString())));
    responses.push(await next());
    socket.write("GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
    responses.push(await next());
    expect(responses.map((text) => text.slice(0, 12))).toEqual(["HTTP/1.1 415", "HTTP/1.1 200"]);
    socket.destroy();
  });
});

test.each<[string, Buffer]>([
  [
    "gzip",
    Buffer.concat([
      gzipSync(JSON.stringify(REQUEST).slice(0, 9)),
      gzipSync(JSON.stringify(REQUEST).slice(9)),
    ]),
  ],
  ["identity, gzip", gzipSync(JSON.stringify(REQUEST))],
  ["identity", Buffer.from(JSON.stringify(REQUEST))],
])("a body with content-encoding %s is read", async (encoding, body) => {
  const response = await service.request(PATH, {
    method: "POST",
    body: new Uint8Array(body),
    headers: { "content-encoding": encoding },
  });
  expect(response).toMatchObject({ status: 200 });
});

test("JSON that explodes is refused before it is parsed", async () => {
  const body = new Uint8Array(gzipSync(`[${"{},".repeat(600_000)}{}]`));
  const headers = { "content-encoding": "gzip" };
  const bomb = await service.request(PATH, { method: "POST", body, headers });
  expect(bomb).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  const deep = await service.request(PATH, { method: "POST", body: "[".repeat(900_000) });
  expect(deep).toMatchObject({ status: 400, body: { code: "invalid_json" } });
});
