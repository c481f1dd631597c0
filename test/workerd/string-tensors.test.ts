import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";

/** Texts of BYTES tensors through the built Worker: what comes out is what Python's onnxruntime returns. */

const TEXTS = [
  "\ufeff0123456789abcd",
  "abc\0def",
  "\0",
  "",
  "\ufeff",
  "a\0",
  `${"é".repeat(40)}\0`,
];

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
  await service.publish("identity-string", {
    inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
  const labels = [Buffer.from("caf\xe9", "latin1"), Buffer.from("neighbour")];
  await service.publish("latin1-labels", {
    inputs: [{ name: "i", datatype: "INT64", shape: ["n"] }],
    outputs: [{ name: "label", datatype: "BYTES", shape: ["n"] }],
    nodes: [{ op: "Gather", inputs: ["labels", "i"], outputs: ["label"] }],
    weights: [{ name: "labels", datatype: "BYTES", shape: [2], data: labels }],
  });
});

afterAll(() => service?.dispose());

const infer = (model: string, body: object) =>
  service.request(`/v2/models/${model}/infer`, { method: "POST", body: JSON.stringify(body) });

describe("texts through a model", () => {
  test.each([...TEXTS.map((text) => [text]), TEXTS])("%j come back as JSON", async (...data) => {
    const inputs = [{ name: "x", datatype: "BYTES", shape: [data.length], data }];
    expect(await infer("identity-string", { inputs })).toMatchObject({
      status: 200,
      body: { outputs: [{ name: "y", shape: [data.length], data }] },
    });
  });
});

test("texts of a model that are not UTF-8 are an error that names the output", async () => {
  const run = (...data: number[]) =>
    infer("latin1-labels", {
      inputs: [{ name: "i", datatype: "INT64", shape: [data.length], data }],
    });
  for (const indices of [[0, 1], [1, 0], [0]])
    expect(await run(...indices)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('of output "label" is not UTF-8') },
    });
  expect(await run(1, 1)).toMatchObject({
    status: 200,
    body: { outputs: [{ data: ["neighbour", "neighbour"] }] },
  });
});
