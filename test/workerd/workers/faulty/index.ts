/// <reference path="../../../../worker-configuration.d.ts" />
import worker from "../../../../src/index.ts";

const HOURS_MS = 10_000_000;

/**
 * The project's Worker with faults that the fuzzing must find: it fails for a key `__proto__` in a body, answers
 * a model wrongly, answers a form only after hours, and never ends a purge.
 */
export default {
  async fetch(request, env, context) {
    const type = request.headers.get("content-type") ?? "";
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && type === "application/json") {
      const text = await request.clone().text();
      if (text.includes('"__proto__"')) throw new Error("a seeded fault");
    }
    if (/form/.test(type)) await scheduler.wait(HOURS_MS);
    if (pathname === "/admin/cache/purge") for (;;);
    if (pathname === "/v2/models/iris-logistic/infer")
      return Response.json({ outputs: [] }, { headers: { "x-request-id": "faulty" } });
    return worker.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
