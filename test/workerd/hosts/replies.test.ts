import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/domain/manifest.ts";
import { sum } from "../../support/awkward-models.ts";
import { HostClient, type HostsService, numeric, startHosts } from "../../support/hosts.ts";
import type { Graph } from "../../support/onnx-builder.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store } from "../../support/stored-model.ts";
import type { HostileRequest } from "../isolates/hostile/index.ts";
import { REPLIES, type ReplyName, TENSORS } from "../isolates/hostile/replies.ts";

/** Isolates whose replies are wrong, over HTTP: a clear error, at once or at the deadline, and nothing else. */

let service: HostsService;
let honest: HostClient;
let hostile: HostClient;
let files: Manifest["files"];

/** `y = x`. */
const cast: Graph = {
  inputs: [{ name: "x", datatype: "UINT8", shape: ["n"] }],
  outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
  nodes: [{ op: "Cast", inputs: ["x"], outputs: ["y"], attributes: { to: { i: 1 } } }],
};

beforeAll(async () => {
  service = await startHosts("hostile", { PLACEMENT: "own" });
  hostile = new HostClient("isolates", service);
  honest = new HostClient("cells", service);
  ({ files } = await store(service.bucket, "hostile", cast));
  await store(service.bucket, "neighbour", sum(1));
  const iris = findModel("iris-logistic");
  await publishAs(service.bucket, iris, iris.manifest);
});

afterAll(() => service?.dispose());

/** The Worker that called the isolate serves other models. */
async function expectNeighbour(): Promise<void> {
  const { tensors } = await honest.infer({
    name: "neighbour",
    tensors: [numeric("x", "FP32", [1], [1])],
  });
  expect(tensors).toEqual([numeric("y", "FP32", [1], [2])]);
}

const NAMES = Object.keys(REPLIES) as ReplyName[];
const STREAMS = NAMES.filter(
  (name) => name.startsWith("a stream ") && name !== "a stream that is none",
);
const CODES = ["engine_crashed", "internal", "deadline_exceeded"];
/** Longer than any of these takes, and shorter than a test may. */
const HEADERS = { "x-timeout-ms": "20000" };

test.each(NAMES.filter((name) => !STREAMS.includes(name)))("%s is an error", async (reply) => {
  const inputs: HostileRequest = { reply };
  const { status, body } = await service.post("/models/iris-logistic", { inputs }, HEADERS);
  const error = { code: expect.toBeOneOf(CODES) };
  if (reply === "an error that cannot be JSON")
    Object.assign(error, { code: "inference_failed", detail: "a" });
  else expect(status).toBe(500);
  expect(body).toMatchObject(error);
  await expectNeighbour();
});

test.each(STREAMS)("%s ends with an error", async (reply) => {
  const inputs: HostileRequest = { reply };
  const { body } = await service.post("/models/iris-logistic", { inputs }, HEADERS);
  const [name, data = ""] = String(body).trim().split("\n\n").at(-1)?.split("\n") ?? [];
  expect(name).toBe("event: error");
  expect(JSON.parse(data.replace("data: ", ""))).toMatchObject({ code: expect.toBeOneOf(CODES) });
  await expectNeighbour();
});

test.each(Object.keys(TENSORS).map((name, index) => ({ name, index })))(
  "a run that returns $name is answered",
  async ({ name, index }) => {
    const inputs = [{ name: "x", datatype: "UINT8", shape: [1], data: [index] }];
    const { status, body } = await service.post("/v2/models/hostile/infer", { inputs });
    if (name === "right") expect([status, body]).toMatchObject([200, { outputs: [{ data: [1] }] }]);
    else expect([status, body]).toMatchObject([500, { error: expect.stringContaining("hostile") }]);
    await expectNeighbour();
  },
);

describe.each([
  "null",
  "a function",
  "a result of no kind",
  "an error of an unknown code",
] as const)("an isolate that always replies with %s", (everywhere) => {
  beforeEach(async () => {
    const inputs: HostileRequest = { everywhere };
    await hostile.execute({ name: "hostile", inputs });
  });

  test("has no statistics and no description, and is unloaded all the same", async () => {
    const { stats } = await hostile.call("stats", { name: "hostile" });
    expect(stats).toEqual([]);
    // Those of the model, whose isolate it is.
    const [{ sizeBytes, sha256 } = { sizeBytes: 0, sha256: "" }] = files;
    const id = { name: "hostile", version: "1" };
    const candidate = { id, path: "model.onnx", format: "onnx", sizeBytes, sha256 } as const;
    const described = await hostile.call("describe", { name: "hostile", candidate });
    expect(described.error?.code).toBeOneOf(["engine_crashed", "internal"]);
    expect((await hostile.call("unload", { name: "hostile" })).error).toBeUndefined();
    await expectNeighbour();
  });
});
