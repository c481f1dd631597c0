import type { Context } from "hono";
import { permits } from "../../domain/access/scope.ts";
import { ApiError } from "../../domain/errors.ts";
import type { FeedbackGiver, RecordedFeedback } from "../../domain/monitoring/feedback.ts";
import { authorizeModel } from "../../http/authenticate.ts";
import type { AppEnv } from "../../http/context.ts";
import { bodyOf } from "../../http/receive.ts";
import { respond } from "../../http/respond.ts";
import { RESOLVE_MODEL } from "../error-groups.ts";
import { parseJson } from "../json.ts";
import type { Operation } from "../operation.ts";
import { pathReference } from "../resolve-model.ts";
import type { Services } from "../services.ts";
import { type ReadFeedback, readFeedback } from "./feedback-request.ts";
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
    const { name, version } = await resolve(services, reference);
    const { isList, items } = readFeedback(parseJson(bodyOf(c)));
    const answers = await give(services, { name, version }, items, await giverOf(c));
    return respond(c, JSON.stringify(isList ? toList(answers) : toSingle(answers)));
  },
};

/**
 * The model, and the version whose predictions alone are meant. An alias is that of now, and not of the predictions: it only names the model.
 */
async function resolve(
  { catalog, router }: Services,
  reference: ReturnType<typeof pathReference>,
): Promise<{ name: string; version: string | undefined }> {
  const { name, version, alias } = reference;
  if (alias === undefined) await catalog.resolve(name, version);
  else await router.resolve(reference);
  return { name, version };
}

type Answer = RecordedFeedback | { readonly requestId?: string; readonly error: ApiError };

async function give(
  { feedback }: Services,
  { name, version }: { readonly name: string; readonly version: string | undefined },
  items: ReadFeedback["items"],
  giver: FeedbackGiver,
): Promise<readonly Answer[]> {
  if (!feedback)
    throw new ApiError(
      "not_supported",
      "Predictions are not kept for feedback: the Durable Object binding METRICS is missing.",
    );
  const valid = items.flatMap((item) => ("error" in item ? [] : [item]));
  const results = valid.length > 0 ? await feedback.give(name, version, valid, giver) : [];
  let next = 0;
  return items.map((item): Answer => {
    if ("error" in item) return item;
    const result = results[next++];
    if (result instanceof ApiError) return { requestId: item.requestId, error: result };
    if (!result) throw new Error("feedback without a result");
    return result;
  });
}

async function giverOf(c: Context<AppEnv>): Promise<FeedbackGiver> {
  const principal = c.get("principal");
  if (!principal) return { id: "", isAdmin: false };
  return { id: await principal.id(), isAdmin: permits(principal.scopes, "admin") };
}

function toSingle([answer]: readonly Answer[]): object {
  if (!answer) throw new Error("feedback without a result");
  if ("error" in answer) throw answer.error;
  return answer;
}

function toList(answers: readonly Answer[]): object {
  const counts = { recorded: 0, replaced: 0, unchanged: 0, outdated: 0, failed: 0 };
  const results = answers.map((answer) => {
    if (!("error" in answer)) {
      counts[answer.status] += 1;
      return answer;
    }
    counts.failed += 1;
    const { requestId, error } = answer;
    return { requestId, status: "failed", code: error.code, message: error.message };
  });
  return { counts, results };
}
