import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { FuzzKind } from "../fuzz-kind.ts";
import { type FuzzRequest, toByteString } from "../http/request.ts";
import { hostileText } from "../mutate/hostile-text.ts";
import { toJsonText } from "../mutate/json-tree.ts";
import { mutateBytes } from "../mutate/mutate-bytes.ts";
import type { Random } from "../random.ts";

const NUMBERS = [
  "",
  "0",
  "1",
  "-1",
  "0.5",
  "1e9",
  "999999999",
  "9".repeat(40),
  "NaN",
  "Infinity",
  "0x10",
  "1, 2",
  " 5 ",
];
const QUALITY = ["", ";q=0", ";q=1", ";q=1.5", ";q=-1", ";q=a", ";q=0.0001", ";;", ";q"];

/** Values of each header that the service reads. */
const HEADERS: Readonly<Record<string, (random: Random) => string>> = {
  "content-type": (random) =>
    random.pick([
      "application/json",
      "text/plain",
      "text/csv",
      "APPLICATION/JSON",
      "application/json;charset=utf-16",
      'application/json; charset="',
      "application/vnd.ms-excel",
      "application/octet-stream",
      "a/b",
      "/",
      ";",
      "json",
      "*/*",
      "image/png, text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "text/html",
    ]),
  accept: (random) =>
    list(random, [
      "application/json",
      "text/event-stream",
      "*/*",
      "text/*",
      "application/octet-stream",
      "text/csv",
      "a",
      "/",
      "",
    ]),
  "accept-encoding": (random) =>
    list(random, ["gzip", "deflate", "br", "identity", "*", "zstd", "x-gzip", ""]),
  "cache-control": (random) =>
    random.pick([
      "no-store",
      "no-cache",
      "only-if-cached",
      "max-age=0",
      "max-age=60",
      "max-age=-1",
      "max-age=1e9",
      "max-age=",
      'max-age="5"',
      "min-fresh=9",
      "max-stale",
      "no-store, only-if-cached",
      ",,,",
      "=",
      "private",
      'a="\\',
      "max-age=9".repeat(50),
    ]),
  "if-none-match": (random) =>
    random.pick(["*", '"a"', 'W/"a"', "a", '"', "", Array(500).fill('"a"').join(",")]),
  "x-timeout-ms": (random) => random.pick(NUMBERS),
  "x-request-id": (random) =>
    random.pick(["a", "a".repeat(128), "a".repeat(129), "a b", "", "é", "../a", "{}"]),
  "inference-header-content-length": (random) => random.pick(NUMBERS),
  authorization: (random) =>
    random.pick([
      "Bearer",
      "Bearer ",
      "bearer fuzz-key",
      "Bearer a b",
      "Basic YTpi",
      "Bearer fuzz",
      "Bearer fuzz-key x",
      "",
      "a",
    ]),
  origin: (random) => random.pick(["null", "http://a", "*", "http://a b", ""]),
  "access-control-request-method": (random) => random.pick(["POST", "a b", ""]),
  range: (random) => random.pick(["bytes=0-", "bytes=-1", "a"]),
  expect: () => "100-continue",
  traceparent: (random) =>
    random.pick(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00", ""]),
  "x-wait-for-model": () => "true",
  "x-use-cache": (random) => random.pick(["false", "0", "a"]),
  "triton-request-id": (random) => random.pick(NUMBERS),
  cookie: (random) => "a=b; ".repeat(random.pick([1, 100])),
  "x-forwarded-for": (random) => random.pick(["127.0.0.1", "a,".repeat(100), ""]),
  "cf-connecting-ip": (random) => random.pick(["1.1.1.1", "", "::1"]),
};
const NAMES = Object.keys(HEADERS);

const CODINGS: readonly ((
  body: Uint8Array,
  random: Random,
) => readonly [coding: string, body: Uint8Array])[] = [
  (body) => ["gzip", gzipSync(body, { level: 1 })],
  (body) => ["gzip", Buffer.concat([gzipSync(body.subarray(0, 9)), gzipSync(body.subarray(9))])],
  (body, random) => ["gzip", mutateBytes(gzipSync(body, { level: 1 }), random)],
  (body, random) => [
    "gzip",
    gzipSync(body, { level: 1 }).subarray(0, random.below(body.length + 1)),
  ],
  (body) => ["gzip", body],
  (body) => ["gzip", gzipSync(Buffer.concat([body, Buffer.alloc(300_000, 0x20)]), { level: 1 })],
  (body) => ["deflate", deflateSync(body, { level: 1 })],
  (body) => ["deflate", deflateRawSync(body, { level: 1 })],
  (body, random) => ["deflate", mutateBytes(deflateSync(body, { level: 1 }), random)],
  (body) => ["br", brotliCompressSync(body, { params: { 1: 1 } })],
  (body) => ["identity", body],
  (body) => ["gzip, gzip", gzipSync(gzipSync(body, { level: 1 }), { level: 1 })],
  (body) => ["GZIP", gzipSync(body, { level: 1 })],
  (body) => ["", body],
  (body) => ["zstd", body],
];

export const headers: FuzzKind = {
  name: "headers",
  description:
    "request headers of valid requests: types, codings with broken bodies, cache, deadline, keys, lengths",
  weight: 14,
  create(random, samples) {
    const { target, body } = random.pickWeighted(samples.json);
    const plain = Buffer.from(toJsonText(body));
    const [coding, encoded] = random.chance(0.3)
      ? random.pick(CODINGS)(plain, random)
      : [undefined, plain];
    const sent: [string, string][] = [["content-type", "application/json"]];
    if (coding !== undefined) sent.push(["content-encoding", coding]);
    for (let left = random.below(4); left > 0; left--) sent.push(createHeader(random));
    const request: FuzzRequest = { method: "POST", target, headers: sent, body: encoded };
    if (random.chance(0.04)) return withFalseLength(request, random);
    if (random.chance(0.9)) return request;
    return { ...request, framing: "chunked", chunkBytes: random.pick([1, 7, 1000]) };
  },
};

function createHeader(random: Random): [string, string] {
  const name = random.pick(NAMES);
  const value = random.chance(0.9)
    ? (HEADERS[name]?.(random) ?? "")
    : hostileText(random)
        .replaceAll(/[\r\n\0]/g, " ")
        .slice(0, 4000);
  return [name, toByteString(value)];
}

/** The body is shorter or longer than its length says, or has two. */
function withFalseLength(request: FuzzRequest, random: Random): FuzzRequest {
  const length = request.body?.length ?? 0;
  const value = random.pick([
    length - 1,
    length + 1,
    0,
    length * 2,
    1e12,
    -1,
    "a",
    "",
    `${length}, ${length}`,
    "0x10",
  ]);
  const extra: [string, string][] = [["content-length", `${value}`]];
  if (random.chance(0.2))
    extra.push([
      "transfer-encoding",
      random.pick(["chunked", "gzip", "identity", "chunked, chunked"]),
    ]);
  return { ...request, framing: "given", headers: [...request.headers, ...extra] };
}

function list(random: Random, items: readonly string[]): string {
  return Array.from(
    { length: 1 + random.below(4) },
    () => random.pick(items) + random.pick(QUALITY),
  ).join(", ");
}
