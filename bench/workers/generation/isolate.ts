/// <reference path="../../../src/cloudflare-workers.d.ts" />
import { createEntrypoint } from "../../../src/model-isolate.ts";
import { createGenerationTask } from "./generation-task.ts";

/** The code of the isolates of models of this Worker. */
export const ModelIsolate = createEntrypoint({
  createTask: async (manifest) => createGenerationTask(manifest),
});
