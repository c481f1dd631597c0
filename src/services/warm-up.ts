import { RequestTrace } from "../domain/event.ts";
import type { WarmUp } from "./model-source.ts";
import type { TaskPipelines } from "./task-pipelines.ts";

/** Runs the manifest's example as a client would send it. */
export function createWarmUp(pipelines: TaskPipelines): WarmUp {
  return async (published, model) => {
    const pipeline = await pipelines(published);
    await pipeline.predict(
      { inputs: published.manifest.example?.inputs, parameters: {} },
      (inputs, outputs) => model.run(inputs, outputs),
      new RequestTrace(),
    );
  };
}
