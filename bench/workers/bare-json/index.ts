import { Hono } from "hono";
import type { InferRequest, InferResponse } from "../../tensor-json.ts";

/**
 * Baseline of HTTP and JSON: parses the request and returns RESPONSE, the response of the model, with
 * the request's id.
 */
const app = new Hono<{ Bindings: { RESPONSE: string } }>();
let response: InferResponse | undefined;

app.post("/v2/models/:model/infer", async (c) => {
  response ??= JSON.parse(c.env.RESPONSE) as InferResponse;
  const { id } = await c.req.json<InferRequest>();
  return c.json<InferResponse>({ ...response, id });
});

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;
