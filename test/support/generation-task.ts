import type { Call } from "../../src/domain/call.ts";
import { createCall } from "../../src/domain/call.ts";
import type { ModelRuntime, ModelSource } from "../../src/domain/ports.ts";
import type { TaskRequest, TaskStream, TaskValue } from "../../src/domain/task.ts";
import { createTask, type TaskTools } from "../../src/tasks/registry.ts";
import type { ModelSet, Task } from "../../src/tasks/task.ts";
import { type CacheForm, generationManifest, readGenerationFile } from "./generation-fixtures.ts";
import { lease, sourceOf } from "./runtime-pool.ts";

/** The task of a fixture, with its model in a runtime of Node. */
export interface GenerationTask {
  readonly task: Task;
  readonly source: ModelSource;
  readonly models: ModelSet;
  whole(request: Partial<TaskRequest>, call?: Call): Promise<TaskValue>;
  stream(request: Partial<TaskRequest>, call?: Call): Promise<TaskStream>;
}

const TOOLS: TaskTools = {
  decodeImage: () => {
    throw new Error("a text is no image");
  },
};

export async function createGenerationTask(
  pool: ModelRuntime,
  form: CacheForm,
  ...changes: readonly Readonly<Record<string, unknown>>[]
): Promise<GenerationTask> {
  const manifest = generationManifest(form, ...changes);
  const source = sourceOf(readGenerationFile(manifest.file), { name: manifest.name });
  const models: ModelSet = {
    infer: () => {
      throw new Error("a generation leases its model");
    },
    lease: (reservedBytes = 0) => lease(pool, source, { reservedBytes }),
  };
  const task = await createTask(manifest, async (path) => readGenerationFile(path), TOOLS);
  const execute = (request: Partial<TaskRequest>, call: Call) =>
    task.execute({ inputs: "a", parameters: {}, ...request }, models, call);
  return {
    task,
    source,
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

/** A part of a streamed text. */
export interface StreamedToken {
  readonly index: number;
  readonly token: { id: number; text: string; logprob: number; special: boolean };
  readonly top_tokens?: readonly { id: number; text: string; logprob: number }[];
  readonly generated_text: string | null;
  readonly details: Record<string, unknown> | null;
}

export async function collect(parts: AsyncIterable<unknown>): Promise<StreamedToken[]> {
  const all: StreamedToken[] = [];
  for await (const part of parts) all.push(part as StreamedToken);
  return all;
}
