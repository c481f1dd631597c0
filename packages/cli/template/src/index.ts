// The whole service: HTTP API, /admin routes, and the classes that the bindings of wrangler.toml need.
export * from "onnxflare/worker";
export { default } from "onnxflare/worker";

// To mount it in an application of your own instead, under a prefix (npm install hono):
//
//   import { Hono } from "hono";
//   import { createOnnxflare, KeyAuthority, MetricsCollector } from "onnxflare";
//
//   const onnxflare = createOnnxflare({ prefix: "/ai" });
//   const app = new Hono();
//   app.mount("/ai", onnxflare.fetch);
//   export const OnnxflareEntrypoint = onnxflare.Entrypoint;
//   export { KeyAuthority, MetricsCollector };
//   export default { fetch: app.fetch, scheduled: onnxflare.scheduled };
