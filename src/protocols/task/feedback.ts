import { authorizeModel } from "../../http/authenticate.ts";
import { bodyOf } from "../../http/receive.ts";
import { respond } from "../../http/respond.ts";
import { RESOLVE_MODEL } from "../error-groups.ts";
import { parseJson } from "../json.ts";
import type { Operation } from "../operation.ts";
import { pathReference } from "../resolve-model.ts";
import { giveFeedback } from "./give-feedback.ts";
import { json } from "./schemas.ts";

export const FEEDBACK: Operation = {
  id: "giveFeedback",
  kind: "admin",
  method: "post",
  path: "/{model}/feedback",
  versioned: true,
  access: "feedback",
  tag: "Predictions",
  summary: "Send what the truth of predictions was",
  description:
    "Ties truths to predictions by the ids of their requests, and so measures the accuracy of the versions. It is idempotent: the same truth again changes nothing, and another one replaces it. Of a list each item is recorded or refused by itself. A key gives feedback for its own requests and for requests without a key, one with the scope `admin` for all.",
  body: {
    required: true,
    content: json("FeedbackRequest", {
      label: { value: { requestId: "0199b1d2-4c1e-7d3a-9c53-2f1f0a6b7c8d", truth: "setosa" } },
      list: {
        value: [
          { requestId: "0199b1d2-4c1e-7d3a-9c53-2f1f0a6b7c8d", truth: "setosa" },
          { requestId: "order-17", truth: ["virginica", null], time: "2026-11-30T12:00:00Z" },
        ],
      },
    }),
  },
  responses: {
    200: { description: "What was recorded.", content: json("FeedbackResponse") },
  },
  errors: [
    "invalid_json",
    "invalid_request",
    "empty_body",
    "body_too_large",
    "body_timeout",
    "unsupported_media_type",
    "overloaded",
    "invalid_truth",
    "prediction_not_found",
    "prediction_expired",
    "not_supported",
    "monitoring_unavailable",
    ...RESOLVE_MODEL,
  ],
  handler: (services) => async (c) => {
    const reference = pathReference(c);
    authorizeModel(c, reference.name);
    const trace = c.get("trace");
    trace.model = reference.name;
    const given = parseJson(bodyOf(c));
    return respond(
      c,
      JSON.stringify(await giveFeedback(services, reference, given, c.get("principal"))),
    );
  },
};
