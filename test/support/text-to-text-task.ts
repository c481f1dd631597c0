import { type Call, createCall } from "../../src/domain/call.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { memberModel } from "../../src/domain/member-models.ts";
import type { ModelRuntime, ModelSource } from "../../src/domain/ports.ts";
import type { TaskRequest, TaskStream, TaskValue } from "../../src/domain/task.ts";
import { createTask } from "../../src/tasks/registry.ts";
import type { ModelSet, Task } from "../../src/tasks/task.ts";
import { lease, sourceOf } from "./runtime-pool.ts";
import { readWrittenFile } from "./text-to-text-fixtures.ts";

/** A task with its models in a runtime of Node. */
export interface TextToTextTask {
  readonly task: Task;
  readonly models: ModelSet;
  whole(request: Partial<TaskRequest>, call?: Call): Promise<TaskValue>;
  stream(request: Partial<TaskRequest>, call?: Call): Promise<TaskStream>;
}

/** A call that nothing waits for: pauses of the event loop take longer than the runs of these models. */
export function createHastyCall(): Call {
  return { ...createCall(), pause: async () => undefined };
}

export async function createTextToText(
  pool: ModelRuntime,
  manifest: Manifest,
): Promise<TextToTextTask> {
  const sources = new Map<string, ModelSource>();
  const sourceOfMember = (member?: string): ModelSource => {
    const { file } = memberModel(manifest, member);
    const source = sources.get(file) ?? sourceOf(readWrittenFile(file), { name: manifest.name });
    sources.set(file, source);
    return source;
  };
  const models: ModelSet = {
    infer: () => {
      throw new Error("a generation leases its models");
    },
    lease: (reservedBytes = 0, member) => lease(pool, sourceOfMember(member), { reservedBytes }),
  };
  const task = await createTask(manifest, async (path) => readWrittenFile(path), {
    decodeImage: () => {
      throw new Error("a text is no image");
    },
  });
  const execute = (request: Partial<TaskRequest>, call: Call) =>
    task.execute({ inputs: "a", parameters: {}, ...request }, models, call);
  return {
    task,
    models,
    async whole(request, call = createCall()) {
      const result = await execute(request, call);
      if (result.kind !== "value") throw new Error("the result is a stream");
      return result;
    },
    async stream(request, call = createCall()) {
      const result = await execute({ ...request, stream: true }, call);
      if (result.kind !== "stream") throw new Error("the result is no stream");
      return result;
    },
  };
}
