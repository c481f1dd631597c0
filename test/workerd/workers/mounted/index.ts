/// <reference path="../../../../worker-configuration.d.ts" />
import { Hono } from "hono";
import { cors } from "hono/cors";
import { mount } from "hono/mount";
import { secureHeaders } from "hono/secure-headers";
import type { TelemetryEvent } from "../../../../src/domain/event.ts";
import { createOnnxflare } from "../../../../src/library.ts";

/**
 * Somebody's own app, with middleware of its own, that has the service under prefixes:
 *
 * - `/ai`, mounted: the paths of its requests lose the prefix;
 * - `/nested/ai`, by a handler of its own, with other bindings and settings;
 * - `/plain`, mounted by an app that does not say its prefix;
 * - `/encoded`, mounted below middleware that sets headers before and after.
 *
 * `GET /events` has the events that the service under `/ai` has emitted.
 */
export interface MountedEnv extends Env {
  readonly OTHER_MODELS: R2Bucket;
  readonly OTHER_KEY: string;
}

const events: TelemetryEvent[] = [];

const ai = createOnnxflare<MountedEnv>({
  prefix: "/ai",
  onEvent: async (event) => {
    await scheduler.wait(1);
    events.push(event);
    throw new Error("a failure of onEvent that nobody sees");
  },
  sinks: [
    {
      emit() {
        throw new Error("a failure of a sink that nobody sees");
      },
    },
  ],
});
const other = createOnnxflare<MountedEnv>({
  prefix: "/nested/ai/",
  env: ({ OTHER_MODELS, OTHER_KEY }) => ({
    MODELS: OTHER_MODELS,
    ADMIN_KEY: OTHER_KEY,
    PUBLIC_PREDICT: "true",
  }),
  settings: { CATALOG_TTL_SECONDS: 0, CACHE_TIERS: "", CORS_ORIGINS: "https://app.example" },
  onEvent: () => {
    throw new Error("a failure of onEvent that nobody sees");
  },
});
const plain = createOnnxflare<MountedEnv>();

const app = new Hono<{ Bindings: MountedEnv }>();
app.get("/", (c) => c.text("own root"));
app.get("/own/:name", (c) => c.json({ own: c.req.param("name") }));
app.get("/events", (c) => c.json(events));
app.mount("/ai", ai.fetch);
app.all("/nested/ai/*", (c) => other.fetch(c.req.raw, c.env, c.executionCtx));
app.all("/plain/*", mount(plain.fetch));
app.use("/encoded/*", cors(), secureHeaders(), async (c, next) => {
  c.header("x-before", "1");
  await next();
  c.header("x-after", "1");
});
app.all("/encoded/*", mount(plain.fetch));
app.notFound((c) => c.json({ own: "not found" }, 404));
app.onError((error, c) => c.json({ own: error.message }, 500));

export default app;
