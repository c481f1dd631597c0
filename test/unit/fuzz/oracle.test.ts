import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createFindings } from "../../../fuzz/findings.ts";
import type { Exchange } from "../../../fuzz/http/connection.ts";
import { type FuzzRequest, post } from "../../../fuzz/http/request.ts";
import { createResponseParser } from "../../../fuzz/http/response-parser.ts";
import { findLoggedError } from "../../../fuzz/log-watch.ts";
import { hasGrown, measureGrowth } from "../../../fuzz/memory-watch.ts";
import { judge } from "../../../fuzz/oracle.ts";
import { readSeeds, writeSeed } from "../../../fuzz/seed-file.ts";
import { createTemporaryFolder } from "../../../packages/cli/src/local/temporary-folder.ts";

const INFER = "/v2/models/iris-logistic/infer";

function answer(
  status: number,
  body: unknown,
  headers: Record<string, string> = { "x-request-id": "a", "content-type": "application/json" },
): Exchange {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return {
    kind: "answer",
    milliseconds: 1,
    answer: { status, headers, body: bytes, closes: false },
  };
}

const judged = (target: string, exchange: Exchange, request: Partial<FuzzRequest> = {}) =>
  judge({ ...post(target, undefined, "{}"), ...request }, exchange, 1000);

describe("a response is judged", () => {
  const inference = (code: string) => ({ error: "text", code, request_id: "a" });
  const problem = (code: string, status: number) => ({
    ...inference(code),
    error: undefined,
    detail: "text",
    status,
  });
  const openAi = (code: string) => ({
    error: { message: "text", type: "server_error", param: null, code },
  });

  test.each([
    ["a result", INFER, answer(200, { outputs: [] })],
    ["a refusal", INFER, answer(400, inference("invalid_shape"))],
    ["a refusal of the task API", "/models/a", answer(400, problem("invalid_input", 400))],
    ["a refusal in OpenAI's form", "/v1/embeddings", answer(400, openAi("invalid_input"))],
    [
      "a path of OpenAI's, percent-encoded",
      "/%76%31/models/a",
      answer(404, openAi("route_not_found")),
    ],
    ["a model that is too large", INFER, answer(507, inference("out_of_memory"))],
    [
      "a crash of a mutated model",
      "/v2/models/scratch-1/infer",
      answer(500, inference("engine_crashed")),
    ],
    ["a model that is not ready", "/v2/models/a/ready", answer(503, "")],
    ["a refusal of the server", INFER, answer(414, "URI too long", {})],
    ["a client that has left", INFER, { kind: "left" } as const],
  ])("%s is as documented", (_, target, exchange) => {
    expect(judged(target, exchange)).toBeUndefined();
  });

  test.each([
    ["an internal error", INFER, answer(500, inference("internal")), "status 500, internal"],
    [
      "a crash of a model of the project",
      INFER,
      answer(500, inference("engine_crashed")),
      "status 500, engine_crashed",
    ],
    [
      "an error of the platform",
      INFER,
      answer(500, "Internal Server Error", {}),
      "not the Worker's",
    ],
    ["an error without a code", INFER, answer(400, { error: "text" }), "no form of an error"],
    [
      "a status that is not that of the code",
      INFER,
      answer(404, inference("invalid_shape")),
      "status 404 with the code",
    ],
    ["a body that is cut", INFER, answer(200, '{"outputs":['), "not the JSON"],
    ["OpenAI's form elsewhere", INFER, answer(400, openAi("invalid_input")), "no form of an error"],
    ["no response", INFER, { kind: "timeout" } as const, "no response within 1 s"],
    ["a closed connection", INFER, { kind: "closed" } as const, "closed without a response"],
  ])("%s is a finding", (_, target, exchange, cause) => {
    expect(judged(target, exchange)).toContain(cause);
  });

  test("a compressed body is decompressed", () => {
    const headers = {
      "x-request-id": "a",
      "content-type": "application/json",
      "content-encoding": "gzip",
    };
    expect(judged(INFER, answer(200, gzipSync("{}"), headers))).toBeUndefined();
    expect(judged(INFER, answer(200, Buffer.from("{}"), headers))).toContain("content-encoding");
  });

  test("a request whose length is false need not be answered", () => {
    expect(judged(INFER, { kind: "closed" }, { framing: "given" })).toBeUndefined();
  });
});

test("a response is read across chunks, whatever its framing", () => {
  const chunked =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  const parser = createResponseParser("POST");
  const answers = [...chunked].map((byte) => parser.push(Buffer.from(byte)));
  expect(answers.slice(0, -1).every((found) => found === undefined)).toBe(true);
  expect(answers.at(-1)?.body.toString()).toBe("abcde");
  const interim =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 x\r\nContent-Length: 1\r\nConnection: close\r\n\r\na";
  const read = createResponseParser("GET").push(Buffer.from(interim));
  expect(read).toMatchObject({ status: 404, closes: true, headers: { "content-length": "1" } });
  expect(() => createResponseParser("GET").push(Buffer.from("HTTP/2 a\r\n\r\n"))).toThrow(
    /status line/,
  );
});

test("findings are grouped by cause and route, without what differs", () => {
  const findings = createFindings();
  const add = (target: string, cause: string) =>
    findings.add({ kind: "json", cause, requests: [post(target, undefined, "")] });
  for (let index = 0; index < 5; index++)
    add(`/v2/models/m-${index}/infer`, `no response within ${index} s`);
  add("/models/m", "no response within 1 s");
  expect(findings.groups.map(({ count, route }) => [count, route])).toEqual([
    [5, "POST /v2/models .../infer"],
    [1, "POST /models"],
  ]);
  expect(findings.groups[0]?.examples).toHaveLength(3);
  expect(findings.count("json")).toBe(6);
});

test("a seed file has the request, byte for byte", () => {
  const folder = createTemporaryFolder("seeds");
  const request = {
    ...post("/a", "text/plain", Buffer.from([0, 255])),
    framing: "chunked",
  } as const;
  expect(writeSeed(folder, { kind: "json", cause: "text", requests: [request] })).toContain(
    "json-",
  );
  expect(readSeeds(folder)).toEqual([{ kind: "json", cause: "text", requests: [request] }]);
  const large = post("/a", undefined, new Uint8Array(1_000_000));
  expect(writeSeed(folder, { kind: "json", cause: "text", requests: [large] })).toBeUndefined();
});

test("memory that each request leaves behind is a finding", () => {
  const MEBIBYTE = 2 ** 20;
  /** Heap and resident memory vary, and grow by so much until the end. */
  const grown = (heapMebibytes: number, residentMebibytes: number, requests = 200_000) =>
    measureGrowth(
      Array.from({ length: 400 }, (_, index) => ({
        requests: (index * requests) / 399,
        heapBytes: (20 + (index % 7) * 10 + (index * heapMebibytes) / 399) * MEBIBYTE,
        residentBytes: (600 + (index % 7) * 10 + (index * residentMebibytes) / 399) * MEBIBYTE,
      })),
    )
      .filter(hasGrown)
      .map(({ name }) => name);
  expect(grown(20, 100)).toEqual([]);
  expect(grown(100, 100)).toEqual(["least heap of the isolate"]);
  expect(grown(20, 900)).toEqual(["median of workerd's resident memory"]);
  expect(grown(1000, 1000, 50_000)).toEqual([]);
});

test("an internal error in the log is a finding, a refusal is not", () => {
  const line = (event: object) => ({
    level: "log",
    message: JSON.stringify({ event: "request", ...event }),
  });
  expect(findLoggedError(line({ errorCode: "invalid_json" }))).toBeUndefined();
  expect(
    findLoggedError(
      line({ requestId: "a", errorCode: "internal", errorCause: "TypeError: x\n  at y" }),
    ),
  ).toMatchObject({ requestId: "a", cause: "an internal error in the log: TypeError: x" });
  expect(findLoggedError({ level: "error", message: "Uncaught" })).toMatchObject({
    detail: "Uncaught",
  });
});
