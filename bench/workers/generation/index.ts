/// <reference path="../../../worker-configuration.d.ts" />
import bundle from "../../../build/bench-generation-isolate.txt";
import { createApp } from "../../../src/app.ts";
import { createServices } from "../../../src/deps.ts";
import { createIsolateCode } from "../../../src/isolate-code.ts";
import { createGenerationTask } from "./generation-task.ts";

/** The project's Worker, whose tasks are all the generation of tokens. */
let app: ReturnType<typeof createApp> | undefined;

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default {
  async fetch(request, env, context) {
    app ??= createApp(
      createServices(env, {
        createTask: async (manifest) => createGenerationTask(manifest),
        isolateCode: createIsolateCode(bundle),
      }),
    );
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
