import type { Manifest } from "../domain/manifest.ts";
import type { ModelStore } from "../domain/ports.ts";
import { createTaskPipeline, type TaskPipeline, type TaskTools } from "../tasks/task-pipeline.ts";
import type { PublishedModel } from "./catalog.ts";
import { readModelFile } from "./model-files.ts";

/** The pipeline of a version, made on its first use and kept for as long as its manifest is. */
export type TaskPipelines = (published: PublishedModel) => Promise<TaskPipeline>;

export function createTaskPipelines(store: ModelStore, tools: TaskTools): TaskPipelines {
  const pipelines = new WeakMap<Manifest, TaskPipeline>();
  return async (published) => {
    const { manifest } = published;
    const known = pipelines.get(manifest);
    if (known) return known;
    const readFile = (path: string) => readModelFile(store, published, path);
    const pipeline = await createTaskPipeline(manifest, readFile, tools);
    pipelines.set(manifest, pipeline);
    return pipeline;
  };
}
