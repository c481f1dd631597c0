import { PROBLEM_ERRORS, PROBLEM_SCHEMAS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { GET_METRICS } from "./get-metrics.ts";

/** The numbers of the service for Prometheus. */
export const METRICS_PROTOCOL: Protocol = {
  name: "metrics",
  basePath: "/metrics",
  operations: [GET_METRICS],
  schemas: { requests: {}, responses: PROBLEM_SCHEMAS },
  renderError: renderProblem,
  errors: PROBLEM_ERRORS,
};
