import type { Context } from "hono";
import { ApiError } from "../../../domain/errors.ts";
import type { ReportRequest, Reports } from "../../../domain/monitoring/report.ts";
import { authorizeModel, mayUseModel } from "../../../http/authenticate.ts";
import type { AppEnv } from "../../../http/context.ts";
import { respond } from "../../../http/respond.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { type MonitoringQuery, parseMonitoringQuery } from "../monitoring-query.ts";
import { json } from "../schemas.ts";
import { parseVersionPath } from "../version-path.ts";

const RANGE = ["report-from", "report-to"] as const;

export const MONITORING_OPERATIONS: readonly Operation[] = [
  {
    id: "getMonitoring",
    kind: "admin",
    method: "get",
    path: "/monitoring",
    access: "metrics",
    tag: "Administration",
    summary: "Get what requests did, by model and version",
    description:
      "Requests, errors, percentiles of latencies, hits of the cache, cold starts, memory, tokens and an estimate of the cost, of all isolates, in a time: the last hour by default. What isolates have not sent to the collector yet, some seconds of requests, is missing.",
    parameters: [...RANGE, "report-requests"],
    responses: { 200: { description: "The sums.", content: json("MonitoringOverview") } },
    errors: ["invalid_request", "not_supported"],
    handler: (services) => async (c) => {
      const query = parseMonitoringQuery(c.req.query(), ["from", "to", "requests"], Date.now());
      return respond(c, JSON.stringify(await reportsOf(services).overview(requestOf(c, query))));
    },
  },
  {
    id: "getMonitoringSeries",
    kind: "admin",
    method: "get",
    path: "/monitoring/series",
    access: "metrics",
    tag: "Administration",
    summary: "Get what requests did over time",
    description:
      "A number for each window of a time, of all requests or by model or version. Windows begin at multiples of their length; minutes are kept for a day, hours for 35 days by default.",
    parameters: [...RANGE, "report-model", "report-version", "report-requests", "step", "group"],
    responses: { 200: { description: "The series.", content: json("MonitoringSeries") } },
    errors: ["invalid_request", "not_supported"],
    handler: (services) => async (c) => {
      const fields = ["from", "to", "model", "version", "requests", "step", "group"];
      const query = parseMonitoringQuery(c.req.query(), fields, Date.now());
      const request = { ...requestOf(c, query), group: query.group };
      return respond(c, JSON.stringify(await reportsOf(services).series(request)));
    },
  },
  {
    id: "getHistograms",
    kind: "admin",
    method: "get",
    path: "/models/{model}/versions/{version}/histograms",
    access: "metrics",
    tag: "Administration",
    summary: "Get what the inputs and predictions of a version look like",
    description:
      "Counts of inputs by the bins of the reference profile of the version, and of predictions by label, in a time: the last hour by default. No values of inputs are kept, and of fewer than `shownFrom` requests only their number is shown.",
    parameters: RANGE,
    responses: { 200: { description: "The counts.", content: json("Histograms") } },
    errors: [...RESOLVE_MODEL, "invalid_request", "not_supported"],
    handler: (services) => async (c) => {
      const { name: model, version } = parseVersionPath(c);
      const query = parseMonitoringQuery(c.req.query(), ["from", "to"], Date.now());
      const reports = reportsOf(services);
      await services.catalog.resolve(model, version);
      const request = { ...requestOf(c, query), model, version };
      return respond(c, JSON.stringify(await reports.histograms(request)));
    },
  },
];

/** @throws ApiError `not_supported` without the binding `METRICS` */
function reportsOf({ reports }: Services): Reports {
  if (reports) return reports;
  throw new ApiError(
    "not_supported",
    "This deployment collects nothing of requests: the binding METRICS is missing. docs/monitoring.md has it.",
  );
}

/** A key of single models reads of these, and of no others. */
function requestOf(c: Context<AppEnv>, query: MonitoringQuery): ReportRequest {
  const { model, version, from, to, stepSeconds, onlyModels } = query;
  if (model !== undefined) authorizeModel(c, model);
  const mayReadAll = c.get("principal")?.models === undefined;
  const mayRead = (name: string): boolean =>
    name === "" ? mayReadAll : mayReadAll || mayUseModel(c, name);
  return { model, version, from, to, stepSeconds, onlyModels, mayRead };
}
