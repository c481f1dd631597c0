import { PROBLEM_ERRORS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { CACHE_OPERATIONS } from "./operations/cache.ts";
import { INSPECTION_OPERATIONS } from "./operations/inspection.ts";
import { VERSION_OPERATIONS } from "./operations/versions.ts";
import { SCHEMAS } from "./schemas.ts";

/** Administration: publishing, statistics and the cache. */
export const ADMIN_PROTOCOL: Protocol = {
  name: "admin",
  basePath: "/admin",
  isAdmin: true,
  operations: [...INSPECTION_OPERATIONS, ...CACHE_OPERATIONS, ...VERSION_OPERATIONS],
  schemas: SCHEMAS,
  renderError: renderProblem,
  errors: PROBLEM_ERRORS,
};
