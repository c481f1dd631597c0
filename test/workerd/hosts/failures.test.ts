import { afterAll, beforeAll, expect, test } from "vitest";
import { sum } from "../../support/awkward-models.ts";
import { type HostsService, startHosts } from "../../support/hosts.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { beginPost } from "../../support/raw-request.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";
import type { HostileRequest } from "../isolates/hostile/index.ts";

/** Isolates that end, fail or never reply, over HTTP: their own requests get an error, and others what they would get otherwise. */

const HOSTILE = "/models/iris-logistic";
const ENDED = {
  status: 500,
  body: {
    code: "engine_crashed",
    detail:
      'The isolate of model "iris-logistic" version 1 has ended; the next request gets a new one.',
    details: { model: "iris-logistic", version: "1" },
  },
};

let service: HostsService;

beforeAll(async () => {
  service = await startHosts("hostile", { PLACEMENT: "own", MAX_IN_FLIGHT: "4" });
  const iris = findModel("iris-logistic");
  await publishAs(service.bucket, iris, iris.manifest);
  await store(service.bucket, "neighbour", sum(1), {
    runtime: { prepack: true, warmUp: false, placement: "shared" },
  });
});

afterAll(() => service?.dispose());

function send(inputs: HostileRequest, headers: Record<string, string> = {}): Promise<TestResponse> {
  return service.post(HOSTILE, { inputs }, headers);
}

/** Calls of the model's isolate since it began, with this one. */
async function calls(): Promise<unknown> {
  return (await send({ count: true })).body;
}

async function expectNeighbour(): Promise<void> {
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
  const response = await service.post("/v2/models/neighbour/infer", { inputs });
  expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [2] }] } });
}

test("an isolate that ends fails its request, and the next one gets a new isolate", async () => {
  await calls();
  const ending = send({ act: "end" });
  await Promise.all([expectNeighbour(), expectNeighbour()]);
  expect(await ending).toMatchObject(ENDED);
  expect(await calls()).toBe(1);
  expect(await calls()).toBe(2);
});

test("an isolate that ends in the middle of a stream ends it with an error", async () => {
  const { status, body } = await send({ act: "end later" });
  expect(status).toBe(200);
  const [part, error = ""] = String(body).trim().split("\n\n");
  expect(part).toBe("data: 1");
  const [name, data = ""] = error.split("\n");
  expect(name).toBe("event: error");
  expect(JSON.parse(data.replace("data: ", ""))).toMatchObject({ code: "engine_crashed" });
  expect(await calls()).toBe(1);
});

test("what an isolate throws is the cause of a clear error, in the event only", async () => {
  const response = await send({ act: "throw" }, { "x-request-id": "thrown" });
  expect(response).toMatchObject({ status: 500, body: { code: "engine_crashed" } });
  expect(JSON.stringify(response.body)).not.toContain("hostile error");
  const { errorCause } = await service.event("thrown");
  expect(errorCause).toContain("a hostile error");
  await expectNeighbour();
});

test("an isolate that never replies is waited for until the deadline, and holds up nobody else", async () => {
  const hanging = send({ act: "hang" }, { "x-timeout-ms": "200" });
  for (let requests = 0; requests < 20; requests++) await expectNeighbour();
  const response = await hanging;
  expect(response).toMatchObject({ status: 429, body: { code: "deadline_exceeded" } });
  expect(response.body).toMatchObject({
    detail: expect.stringMatching(/^The request's timeout of 200 ms passed after \d+ ms\./),
  });
  expect(await calls()).toBeGreaterThan(1);
});

test("clients that leave an isolate that never replies give their permits back", async () => {
  const ids = ["left-1", "left-2", "left-3", "left-4"];
  const sockets = await Promise.all(
    ids.map((id) =>
      beginPost(service.origin, HOSTILE, { inputs: { act: "hang" } }, { "x-request-id": id }),
    ),
  );
  await service.request("/v2/health/live");
  const refused = await send({ count: true });
  expect([refused.status, refused.body]).toMatchObject([429, { code: "overloaded" }]);
  for (const socket of sockets) socket.resetAndDestroy();
  for (const id of ids)
    expect(await service.event(id)).toMatchObject({ errorCode: "client_closed_request" });
  expect(await calls()).toBeGreaterThan(1);
});
