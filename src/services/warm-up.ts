import type { WarmUp } from "./model-source.ts";
import type { TaskPipelines } from "./task-pipelines.ts";

/** Runs the manifest's example as a client would send it. */
export function createWarmUp(pipelines: TaskPipelines): WarmUp {
  return async (published, model) => {
    const { manifest } = published;
    const { encode, output } = await pipelines(published);
    model.run(encode(manifest.example?.inputs).tensors, [output]);
  };
}
