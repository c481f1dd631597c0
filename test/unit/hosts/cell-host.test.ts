import { expect, test, vi } from "vitest";
import { createCall } from "../../../src/domain/call.ts";
import { Deadline } from "../../../src/domain/deadline.ts";
import type { LoadedModel, ModelRuntime, ModelStore } from "../../../src/domain/ports.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { type CreateTask, createCellHost } from "../../../src/hosts/cell-host.ts";
import type { Task } from "../../../src/tasks/task.ts";
import { createManifest } from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";

/** The host with a runtime whose model returns what it is given; the engine is tested in workerd. */

function publish(): PublishedModel {
  return { name: "echo", version: "1", versions: ["1"], revision: "1", manifest: createManifest() };
}

const TEXT: Tensor = { name: "text", datatype: "BYTES", shape: [1], data: ["hello"] };

/** The first use of the model loads it. */
function createRuntime(manifest = createManifest()): ModelRuntime {
  let uses = 0;
  const loaded: LoadedModel = {
    describe: () => manifest,
    run: (_feeds, outputs) => outputs.map((name) => ({ ...TEXT, name })),
  };
  const runtime: Partial<ModelRuntime> = {
    use: async (_source, _waitUntil, work) => work(loaded, uses++ === 0),
  };
  return runtime as ModelRuntime;
}

function createHost(createTask: CreateTask, options: { readonly maxTaskWaitMs?: number } = {}) {
  return createCellHost({ runtime: createRuntime(), createTask, ...options })({} as ModelStore);
}

/** Runs the model twice. */
const TWICE: Pick<Task, "execute"> = {
  async execute(_request, models) {
    await models.infer([TEXT], ["first"]);
    const [first] = await models.infer([TEXT], ["first"]);
    return { kind: "value", value: first?.data[0], form: "one" };
  },
};

test("requests at the same time share the creation of a version's task", async () => {
  const createTask = vi.fn<CreateTask>(async () => TWICE as Task);
  const host = createHost(createTask);
  const model = publish();
  const request = { model, inputs: 1, parameters: {} };
  const results = await Promise.all([1, 2, 3].map(() => host.execute(request, createCall())));
  expect(results).toEqual([1, 2, 3].map(() => ({ kind: "value", value: "hello", form: "one" })));
  expect(createTask).toHaveBeenCalledTimes(1);
});

test("a task whose creation failed is created by the next request", async () => {
  const createTask = vi
    .fn<CreateTask>(async () => TWICE as Task)
    .mockRejectedValueOnce(new Error("storage is away"));
  const host = createHost(createTask);
  const request = { model: publish(), inputs: 1, parameters: {} };
  await expect(host.execute(request, createCall())).rejects.toThrow("storage is away");
  expect(await host.execute(request, createCall())).toMatchObject({ value: "hello" });
  expect(createTask).toHaveBeenCalledTimes(2);
});

test("a task whose creation never ends is created again by the calls that waited for it", async () => {
  const createTask = vi
    .fn<CreateTask>(async () => TWICE as Task)
    .mockReturnValueOnce(new Promise(() => {}));
  const host = createHost(createTask, { maxTaskWaitMs: 20 });
  const request = { model: publish(), inputs: 1, parameters: {} };
  const waitUntil = vi.fn();
  void host.execute(request, createCall({ waitUntil }));
  expect(waitUntil).toHaveBeenCalledTimes(1);
  const results = await Promise.all([1, 2, 3].map(() => host.execute(request, createCall())));
  expect(results).toMatchObject([1, 2, 3].map(() => ({ value: "hello" })));
  expect(createTask).toHaveBeenCalledTimes(2);
});

test("a call waits for the task of another call until its own deadline", async () => {
  const createTask = vi.fn<CreateTask>(() => new Promise(() => {}));
  const host = createHost(createTask);
  const request = { model: publish(), inputs: 1, parameters: {} };
  void host.execute(request, createCall());
  const call = createCall({ deadline: new Deadline({ timeoutMs: 20 }) });
  await rejectedApiError("deadline_exceeded", host.execute(request, call));
  expect(createTask).toHaveBeenCalledTimes(1);
});

test("a call that waited for its model at one of its runs is a cold start", async () => {
  const host = createHost(async () => TWICE as Task);
  const request = { model: publish(), inputs: 1, parameters: {} };
  const [first, second] = [createCall(), createCall()];
  await host.execute(request, first);
  await host.execute(request, second);
  expect([first.trace.coldStart, second.trace.coldStart]).toEqual([true, false]);
});
