import { Hono } from "hono";

/** Baseline without JSON and model: receives a body, and with HASH=on computes its SHA-256. */
const app = new Hono<{ Bindings: { RESPONSE: string; HASH: string } }>();

app.post("/v2/models/:model/infer", async (c) => {
  const body = await c.req.arrayBuffer();
  if (c.env.HASH === "on") {
    const digest = await crypto.subtle.digest("SHA-256", body);
    c.header("etag", `"${Buffer.from(digest).toString("hex")}"`);
  }
  return c.body(c.env.RESPONSE, 200, { "content-type": "application/json" });
});

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;
