import type { Context } from "hono";
import { ApiError } from "../../../domain/errors.ts";
import { parseModelName } from "../../../domain/model-id.ts";
import type { AccuracyReader } from "../../../domain/monitoring/accuracy-report.ts";
import { authorizeModel } from "../../../http/authenticate.ts";
import type { AppEnv } from "../../../http/context.ts";
import { respond } from "../../../http/respond.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { parseAccuracyQuery } from "../accuracy-query.ts";
import { json } from "../schemas.ts";

const READ = {
  kind: "admin",
  method: "get",
  access: "metrics",
  tag: "Administration",
  errors: ["invalid_request", "not_supported", "monitoring_unavailable", ...RESOLVE_MODEL],
} as const satisfies Partial<Operation>;

export const ACCURACY_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    id: "getAccuracy",
    path: "/models/{model}/accuracy",
    summary: "Get the accuracy of a model's versions",
    description:
      "What feedback says of the predictions of each version, over time, with intervals; and what calibrated confidences make expected where there is no feedback yet.",
    parameters: ["accuracy-version", "accuracy-from", "accuracy-to", "accuracy-step"],
    responses: { 200: { description: "The accuracy.", content: json("Accuracy") } },
    handler: (services) => async (c) => {
      const request = parseAccuracyQuery(c.req.query(), Date.now());
      const { model, reader } = await readerOf(c, services);
      const { from, to } = request;
      const reports = await reader.report(model, request);
      const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      return respond(c, JSON.stringify({ model, ...range, ...reports }));
    },
  },
  {
    ...READ,
    id: "getCanaries",
    path: "/models/{model}/canary",
    summary: "Get the comparisons of a model's canaries",
    description:
      "Versions of aliases that are split, compared with the version that the alias stood for before: errors, latency, accuracy by feedback, and accuracy as confidences make expected. The test is sequential: it may be looked at as often as one likes.",
    responses: {
      200: { description: "The comparisons, the newest first.", content: json("Canaries") },
    },
    handler: (services) => async (c) => {
      const { model, reader } = await readerOf(c, services);
      return respond(c, JSON.stringify({ model, canaries: await reader.canaries(model) }));
    },
  },
];

/** @throws ApiError `not_supported`, and of a model that there is none of */
async function readerOf(
  c: Context<AppEnv>,
  { accuracy, catalog }: Services,
): Promise<{ model: string; reader: AccuracyReader }> {
  const model = parseModelName(c.req.param("model") ?? "");
  authorizeModel(c, model);
  c.get("trace").model = model;
  await catalog.resolve(model);
  if (accuracy) return { model, reader: accuracy };
  throw new ApiError(
    "not_supported",
    "Nothing is known of accuracy and canaries: the Durable Object binding METRICS is missing.",
  );
}
