import { PROBLEM_ERRORS, PROBLEM_SCHEMAS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { DASHBOARD_OPERATIONS } from "./operations.ts";

/** The dashboard: static assets without data. Its data is that of the admin protocol. */
export const DASHBOARD_PROTOCOL: Protocol = {
  name: "dashboard",
  basePath: "/dashboard",
  operations: DASHBOARD_OPERATIONS,
  schemas: { requests: {}, responses: PROBLEM_SCHEMAS },
  renderError: renderProblem,
  errors: PROBLEM_ERRORS,
};
