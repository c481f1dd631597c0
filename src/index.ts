import { createApp } from "./app.ts";
import { createServices } from "./deps.ts";

let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, context) {
    // Bindings are the same for an isolate's whole life, so everything is composed once.
    app ??= createApp(createServices(env));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
