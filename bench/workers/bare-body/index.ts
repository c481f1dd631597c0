import { Hono } from "hono";

/** What it costs to receive a body, and with HASH=on to hash it as a cache must: no JSON, no model. */
const app = new Hono<{ Bindings: { ANSWER: string; HASH: string } }>();

app.post("/v2/models/:model/infer", async (c) => {
  const body = await c.req.arrayBuffer();
  if (c.env.HASH === "on") {
    const digest = await crypto.subtle.digest("SHA-256", body);
    c.header("etag", `"${Buffer.from(digest).toString("hex")}"`);
  }
  return c.body(c.env.ANSWER, 200, { "content-type": "application/json" });
});

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;
