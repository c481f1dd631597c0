import { createCall } from "../domain/call.ts";
import type { LoadedModel, PrepareLease } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { ModelSet, Task } from "../tasks/task.ts";

/** Runs the manifest's example on a newly loaded model, so that no request waits for lazy compilation. */
export async function warmUp(
  task: Task,
  { manifest }: PublishedModel,
  loaded: LoadedModel,
  lease: PrepareLease,
): Promise<void> {
  const { inputs, parameters = {} } = manifest.example ?? {};
  const request = { inputs, parameters };
  const models: ModelSet = {
    infer: async (inputs, outputs) => loaded.run(inputs, outputs),
    lease: async (reservedBytes) => lease(reservedBytes),
  };
  const result = await task.execute(request, models, createCall());
  if (result.kind === "value") return;
  for await (const _ of result.parts) return;
}
