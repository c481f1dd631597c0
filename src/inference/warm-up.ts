import { createCall } from "../domain/call.ts";
import type { LoadedModel } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Task } from "../tasks/task.ts";

/** Runs the manifest's example on a newly loaded model, so that no request waits for lazy compilation. */
export async function warmUp(
  task: Task,
  { manifest }: PublishedModel,
  loaded: LoadedModel,
): Promise<void> {
  const request = { inputs: manifest.example?.inputs, parameters: {} };
  const models = {
    infer: async (...run: Parameters<LoadedModel["run"]>) => loaded.run(...run),
    // Only ready models are leased, and this one becomes ready by its warm-up.
    lease: () => Promise.reject(new Error("a model is not leased during its warm-up")),
  };
  const result = await task.execute(request, models, createCall());
  if (result.kind === "value") return;
  for await (const _ of result.parts) return;
}
