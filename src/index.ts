import { createApp } from "./app.ts";
import { createServices } from "./deps.ts";

let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, context) {
    // Bindings never change within an isolate, so the services and the app are created once.
    app ??= createApp(createServices(env));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
