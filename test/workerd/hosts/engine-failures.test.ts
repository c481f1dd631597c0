import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { constantOnes, ones, quotient, sum } from "../../support/awkward-models.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";

/** Models that crash the engine of their own isolate, or exhaust its memory, while another model answers. */

const INT32_MIN = -(2 ** 31);

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { PLACEMENT: "own" } });
  const { bucket } = service;
  await store(bucket, "ones", ones);
  await store(bucket, "quotient", quotient);
  await store(bucket, "neighbour", sum(1));
  await store(bucket, "constant-ones", constantOnes([10_000n, 10_000n]));
});

afterAll(() => service?.dispose());

function infer(name: string, inputs: readonly object[], id?: string): Promise<TestResponse> {
  return service.post(`/v2/models/${name}/infer`, { inputs }, id ? { "x-request-id": id } : {});
}

const inferOnes = (...shape: number[]) =>
  infer("ones", [{ name: "s", datatype: "INT64", shape: [shape.length], data: shape }]);
const divide = (a: number, b: number) =>
  infer(
    "quotient",
    Object.entries({ a, b }).map(([name, value]) => ({
      name,
      datatype: "INT32",
      shape: [1],
      data: [value],
    })),
  );

async function expectNeighbour(id?: string): Promise<void> {
  const response = await infer(
    "neighbour",
    [{ name: "x", datatype: "FP32", shape: [1], data: [1] }],
    id,
  );
  expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [2] }] } });
}

describe.each([
  {
    what: "a run that needs more memory than there is",
    provoke: () => inferOnes(10_000, 10_000),
    failure: { status: 507, body: { code: "out_of_memory" } },
    message:
      /model "ones" version 1 needs more memory with this input than the budget of \d+ MiB \(OWN_ISOLATE_BUDGET_BYTES\) allows\. Send a smaller input/,
    run: () => inferOnes(10, 10),
    data: [100],
  },
  {
    what: "a trap of the engine",
    provoke: () => divide(INT32_MIN, -1),
    failure: { status: 500, body: { code: "engine_crashed" } },
    message: /engine crashed while it ran model "quotient" version 1/,
    run: () => divide(INT32_MIN, 2),
    data: [INT32_MIN / 2],
  },
])("$what", ({ provoke, failure, message, run, data }) => {
  const success = { status: 200, body: { outputs: [{ data }] } };

  test("fails its request with what to do, and the next one is answered", async () => {
    expect(await run()).toMatchObject(success);
    const response = await provoke();
    expect(response).toMatchObject(failure);
    expect(response.body).toMatchObject({ error: expect.stringMatching(message) });
    expect(await run()).toMatchObject(success);
  });

  test("does not affect another model, before, during or after it", async () => {
    await expectNeighbour();
    await Promise.all([
      expectNeighbour(),
      provoke().then((response) => expect(response).toMatchObject(failure)),
      expectNeighbour(),
      provoke().then((response) => expect(response).toMatchObject(failure)),
      expectNeighbour(),
    ]);
    await expectNeighbour("neighbour-after");
    // It has the isolate that it had.
    const event = await service.event("neighbour-after");
    expect(event).toMatchObject({ coldStart: false, isolate: { isFirst: false } });
    expect(await run()).toMatchObject(success);
  });

  test("fails each of several requests at once, and the others are answered", async () => {
    const all = [run, provoke, run, provoke, run];
    const responses = await Promise.all(all.map((send) => send()));
    for (const [index, response] of responses.entries())
      if (all[index] === provoke) expect(response).toMatchObject(failure);
      else expect(response).toMatchObject(success);
  });
});

test("a model that does not fit in an isolate is refused by its load, and no other one notices", async () => {
  const [response] = await Promise.all([infer("constant-ones", []), expectNeighbour()]);
  expect([response.status, response.body]).toMatchObject([
    507,
    { error: expect.stringContaining("OWN_ISOLATE_BUDGET_BYTES") },
  ]);
  await expectNeighbour();
  // To ask its isolate for statistics would start it again.
  const { isolates } = await service.runtime();
  const names = isolates.map(({ model }) => model.name);
  expect(names).toContain("neighbour");
  expect(names).not.toContain("constant-ones");
});
