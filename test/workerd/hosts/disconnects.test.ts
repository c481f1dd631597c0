import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type HostsService, startHosts } from "../../support/hosts.ts";
import { poll } from "../../support/poll.ts";
import { beginPost } from "../../support/raw-request.ts";
import { storeTestTask } from "../../support/test-task-model.ts";
import type { TestTaskState } from "../isolates/test-task.ts";

/** Clients that leave while a model works in an isolate of its own, over real connections. */

const MAX_IN_FLIGHT = 2;

let service: HostsService;
let number = 0;
/** A model of each test's own, with an isolate of its own. */
let name: string;

beforeAll(async () => {
  service = await startHosts("tasks", {
    PLACEMENT: "own",
    MAX_IN_FLIGHT: String(MAX_IN_FLIGHT),
  });
});

afterAll(() => service?.dispose());

beforeEach(async () => {
  number += 1;
  name = `test-task-${number}`;
  await storeTestTask(service, name);
});

const path = (): string => `/models/${name}`;
const count = (mode: string) => ({ inputs: 1e8, parameters: { do: "count", mode } });

async function execute(parameters: object, inputs: unknown = null): Promise<unknown> {
  const { status, body } = await service.post(path(), { inputs, parameters });
  expect([status, body]).toEqual([200, expect.anything()]);
  return body;
}

const state = async () => (await execute({ do: "state" })) as TestTaskState;

function stateOf(matches: (state: TestTaskState) => boolean): Promise<TestTaskState> {
  return poll(`state for which ${matches}`, async () => {
    const found = await state();
    return matches(found) ? found : undefined;
  });
}

/** The leases in the isolate of the model. */
async function leases(): Promise<number> {
  const { body } = await service.administer("/runtime");
  const { isolates } = body as { isolates: { model: { name: string }; leases: unknown[] }[] };
  return isolates.find(({ model }) => model.name === name)?.leases.length ?? 0;
}

/** Every permit of the Worker and of the isolate can be acquired. */
async function expectAllPermits(): Promise<void> {
  const all = Array.from({ length: MAX_IN_FLIGHT }, () => state());
  expect(await Promise.all(all)).toHaveLength(MAX_IN_FLIGHT);
}

test("a client that leaves a stream of parts ends the work within a part, with its lease and its permit", async () => {
  const before = await state();
  const sockets = await Promise.all(
    ["first", "second"].map((id) =>
      beginPost(service.origin, path(), count("leased"), { "x-request-id": `${name}-${id}` }),
    ),
  );
  await poll("two leases", async () => ((await leases()) === 2 ? true : undefined));
  const refused = await service.post(path(), { inputs: null, parameters: { do: "state" } });
  expect([refused.status, refused.body]).toMatchObject([429, { code: "overloaded" }]);
  for (const socket of sockets) socket.resetAndDestroy();
  for (const id of ["first", "second"])
    expect(await service.event(`${name}-${id}`)).toMatchObject({
      errorCode: "client_closed_request",
    });
  await poll("end of the leases", async () => ((await leases()) === 0 ? true : undefined));
  expect(await stateOf(({ ended }) => ended === before.ended + 2)).toMatchObject({
    computed: before.computed,
    waiting: 0,
  });
  await expectAllPermits();
});

test("a client that leaves between two parts ends the work before the next one", async () => {
  const socket = await beginPost(service.origin, path(), count("leased"), { "x-request-id": name });
  await stateOf(({ waiting }) => waiting === 1);
  await execute({ do: "step" });
  await once(socket, "data");
  const { computed, ended } = await stateOf(({ waiting }) => waiting === 1);
  expect(computed).toBe(1);
  socket.resetAndDestroy();
  expect(await stateOf((found) => found.ended === ended + 1)).toMatchObject({ computed: 1 });
  expect(await service.event(name)).toMatchObject({ errorCode: "client_closed_request" });
  expect(await leases()).toBe(0);
  await expectAllPermits();
});

test("a client that leaves a stream that never waits ends the work", async () => {
  const before = await state();
  const headers = { "x-request-id": name };
  const socket = await beginPost(service.origin, path(), count("endless"), headers);
  await once(socket, "data");
  socket.resetAndDestroy();
  const { computed } = await stateOf(({ ended }) => ended === before.ended + 1);
  expect(await service.event(name)).toMatchObject({ errorCode: "client_closed_request" });
  await expectAllPermits();
  expect(await state()).toMatchObject({ computed });
});

test("a client that leaves a task of many runs ends it within a run", async () => {
  const value = { inputs: 1e8, parameters: { do: "run" } };
  const socket = await beginPost(service.origin, path(), value, { "x-request-id": name });
  await stateOf(({ runs }) => runs > 10);
  socket.resetAndDestroy();
  expect(await service.event(name)).toMatchObject({ errorCode: "client_closed_request" });
  const { runs } = await state();
  await execute({ do: "run" }, 3);
  expect(await state()).toMatchObject({ runs: runs + 3 });
  await expectAllPermits();
});
