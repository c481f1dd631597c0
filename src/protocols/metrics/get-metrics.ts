import { mayUseModel } from "../../http/authenticate.ts";
import { callOf } from "../../http/call.ts";
import { respond } from "../../http/respond.ts";
import type { Operation } from "../operation.ts";

export const GET_METRICS: Operation = {
  id: "getMetrics",
  kind: "metadata",
  method: "get",
  path: "",
  access: "scrape",
  tag: "Server",
  summary: "Get the metrics for Prometheus",
  description:
    "Prometheus' text format 0.0.4, with Triton's names where Triton has one. The numbers are those of all isolates since the first request; without the binding `METRICS` those of the isolate that handles the request since it began, which `onnxflare_metrics_scope` says. With `PUBLIC_METRICS = \"on\"` it needs no key. A key of single models gets the numbers of these.",
  responses: {
    200: {
      description: "The metrics.",
      headers: ["cache-control", "content-encoding"],
      content: { "text/plain; version=0.0.4; charset=utf-8": { schema: { type: "string" } } },
    },
  },
  handler:
    ({ metrics }) =>
    async (c) => {
      c.get("headers")["cache-control"] = "no-store";
      // Nobody reads the body of a response to HEAD.
      if (c.req.method === "HEAD") return respond(c, "", { contentType: metrics.contentType });
      const hasAllModels = c.get("principal")?.models === undefined;
      const text = await metrics.read({
        mayRead: (model) => hasAllModels || (model !== "" && mayUseModel(c, model)),
        checkpoint: callOf(c).checkpoint,
      });
      return respond(c, text, { contentType: metrics.contentType });
    },
};
