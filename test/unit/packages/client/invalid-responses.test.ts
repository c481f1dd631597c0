import { expect, test } from "vitest";
import { createClient, type FetchResponse } from "../../../../packages/client/src/client.ts";

/** Responses that violate the protocol cause an error that says why, and never return numbers. */

const HEADER = "inference-header-content-length";
const OUTPUT = { name: "y", datatype: "FP32", shape: [2] };

function respond(body: string | Uint8Array, headers: Record<string, string> = {}): FetchResponse {
  return new Response(body as BodyInit, { headers: { "x-request-id": "r1", ...headers } });
}

/** JSON followed by this number of bytes of data. */
function binary(outputs: unknown, sizeBytes: number, headerLength?: number): FetchResponse {
  const json = new TextEncoder().encode(JSON.stringify({ model_name: "m", outputs }));
  const body = new Uint8Array(json.byteLength + sizeBytes);
  body.set(json);
  return respond(body, {
    "content-type": "application/octet-stream",
    [HEADER]: String(headerLength ?? json.byteLength),
  });
}

function json(outputs: unknown): FetchResponse {
  return respond(JSON.stringify({ model_name: "m", outputs }));
}

test.each<[string, FetchResponse, string]>([
  ["text that is not JSON", respond("<html>"), "its JSON of 6 bytes is invalid"],
  ["truncated JSON", respond('{"model_name":"m","outpu'), "its JSON of 24 bytes is invalid"],
  ["an empty body", respond(""), "its JSON of 0 bytes is invalid"],
  ["JSON that is not an object", respond("null"), "it is not an object"],
  ["another protocol's JSON", respond('{"predictions":[1]}'), "it has no model_name and outputs"],
  [
    "truncated bytes",
    binary([{ ...OUTPUT, parameters: { binary_data_size: 8 } }], 5),
    'output "y" has 8 bytes, but 5 are left after the JSON',
  ],
  [
    "too many bytes",
    binary([{ ...OUTPUT, parameters: { binary_data_size: 8 } }], 9),
    "1 bytes after the JSON belong to no output",
  ],
  [
    "bytes of another shape",
    binary([{ ...OUTPUT, parameters: { binary_data_size: 4 } }], 4),
    'output "y": 4 bytes instead of 8',
  ],
  [
    "a header length within the JSON",
    binary([{ ...OUTPUT, parameters: { binary_data_size: 8 } }], 8, 20),
    "its JSON of 20 bytes is invalid",
  ],
  [
    "a header length within the data",
    binary([{ ...OUTPUT, parameters: { binary_data_size: 8 } }], 8, 110),
    "its JSON of 110 bytes is invalid",
  ],
  [
    "a header length beyond the body",
    binary([OUTPUT], 8, 99_999),
    `the header ${HEADER} is "99999", but`,
  ],
  [
    "bytes without the header",
    respond(new Uint8Array(8), { "content-type": "application/octet-stream" }),
    `it is bytes without the header ${HEADER}`,
  ],
  [
    "a negative size",
    binary([{ ...OUTPUT, parameters: { binary_data_size: -8 } }], 8),
    'output "y" has -8 bytes',
  ],
  [
    "a string longer than the data",
    binary([{ name: "y", datatype: "BYTES", shape: [1], parameters: { binary_data_size: 3 } }], 3),
    'output "y": an element is longer than the remaining data',
  ],
  [
    "too few numbers",
    json([{ ...OUTPUT, data: [1] }]),
    'output "y": the shape [2] has 2 elements, but data has 1',
  ],
  ["no data", json([OUTPUT]), 'output "y": data must be an array of 2 elements'],
  [
    "a value that is not a number",
    json([{ ...OUTPUT, data: [1, null] }]),
    'output "y": element 1 of its FP32 data must be a number',
  ],
  [
    "a fraction as an integer",
    json([{ name: "y", datatype: "INT32", shape: [1], data: [1.5] }]),
    "got 1.5",
  ],
  [
    "an unknown datatype",
    json([{ ...OUTPUT, datatype: "BF16", data: [1, 2] }]),
    'output "y" has the datatype BF16',
  ],
  [
    "an invalid shape",
    json([{ ...OUTPUT, shape: [-1], data: [1, 2] }]),
    "; got -1 as dimension 0.",
  ],
  ["an output without a name", json([{ datatype: "FP32" }]), "an output has no name"],
  ["an output that is null", json([null]), "an output has no name"],
])("a response with %s is refused", async (_, response, why) => {
  const client = createClient({ baseUrl: "http://host", fetch: async () => response });
  const error = await client.infer({ model: "m", inputs: {} }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: "OnnxflareError",
    code: "invalid_response",
    status: 200,
    requestId: "r1",
  });
  expect((error as Error).message).toMatch(/^The server's response is invalid: .*[^.]\.$/);
  expect((error as Error).message).toContain(why);
});

test.each([
  ["problem+json", '{"title":"T","detail":"why","code":"c","request_id":"r2"}', "c", "why", "r2"],
  ["the protocol's error", '{"error":"why","code":"c"}', "c", "why", "r1"],
  ["an error without a code", '{"error":"why"}', "http_error", "why", "r1"],
  [
    "a proxy's page",
    "<h1>Bad gateway</h1>",
    "http_error",
    "The server responded with 418: <h1>Bad gateway</h1>",
    "r1",
  ],
  ["an empty body", "", "http_error", "The server responded with 418: (empty)", "r1"],
])(
  "an error response with %s becomes an OnnxflareError",
  async (_, body, code, message, requestId) => {
    const fetch = async () =>
      new Response(body, { status: 418, headers: { "x-request-id": "r1" } });
    const client = createClient({ baseUrl: "http://host", fetch });
    await expect(client.models()).rejects.toMatchObject({ status: 418, code, message, requestId });
  },
);

test("metadata that is not JSON is refused", async () => {
  const client = createClient({ baseUrl: "http://host", fetch: async () => respond("ok") });
  await expect(client.serverMetadata()).rejects.toMatchObject({ code: "invalid_response" });
});

test("an invalid base URL is refused", () => {
  expect(() => createClient({ baseUrl: "localhost" })).toThrow(TypeError);
});

test("reading an output that the response does not have throws", async () => {
  const client = createClient({
    baseUrl: "http://host",
    fetch: async () => json([{ ...OUTPUT, data: [1, 2] }]),
  });
  const result = await client.infer({ model: "m", inputs: {} });
  expect(() => result.output("z")).toThrow('The response has no output "z": it has "y" (FP32).');
  expect(() => result.output("y", "INT64")).toThrow('no output "y" of INT64: it has "y" (FP32)');
});
