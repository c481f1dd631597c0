import { Hono } from "hono";
import type { InferRequest, InferResponse } from "../../tensor-json.ts";

/**
 * The Worker `bare-json` with the response headers of a cache hit, a request id, and with LOG=on a log line of
 * the length of an event: the cost of headers and logging without a cache.
 */
const app = new Hono<{ Bindings: { RESPONSE: string; LOG: string } }>();
let response: InferResponse | undefined;

app.post("/v2/models/:model/infer", async (c) => {
  response ??= JSON.parse(c.env.RESPONSE) as InferResponse;
  const { id } = await c.req.json<InferRequest>();
  const requestId = crypto.randomUUID();
  if (c.env.LOG === "on")
    console.log(
      JSON.stringify({
        ...EVENT,
        time: new Date().toISOString(),
        requestId,
        model: c.req.param("model"),
      }),
    );
  return c.json<InferResponse>({ ...response, id }, 200, { ...HEADERS, "x-request-id": requestId });
});

const HEADERS = {
  "x-model-version": "1",
  "cache-control": "no-transform",
  "server-timing": "body;dur=0.123, cache;dur=0.012, total;dur=0.234",
  "cache-status": 'onnxflare; hit; ttl=86399; key="f9f4a2cc39bf"; detail=isolate',
  age: "1",
  etag: 'W/"f9f4a2cc39bfe4be9291d2a845e17519-1322949e3230083e"',
};

const EVENT = {
  event: "request",
  schemaVersion: 3,
  method: "POST",
  route: "/v2/models/:model/infer",
  operation: "infer",
  operationKind: "inference",
  status: 200,
  version: "1",
  cache: {
    outcome: "hit",
    tier: "isolate",
    key: "f9f4a2cc39bf",
    stored: false,
    collapsed: false,
    bytes: 20,
    ageSeconds: 1.234,
    savedMs: 0.25,
  },
  bytesIn: 102,
  bytesOut: 261,
  totalMs: 0.234,
  phasesMs: { body: 0.123, cache: 0.012 },
  clock: "advancing",
};

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;
