import { PROBLEM_ERRORS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { EXPLAIN } from "./explain.ts";
import { FEEDBACK } from "./feedback.ts";
import { PREDICT } from "./predict.ts";
import { SCHEMAS } from "./schemas.ts";

/** The task API: requests and responses of a model's task, in the form of Hugging Face's tasks. */
export const TASK_PROTOCOL: Protocol = {
  name: "task",
  basePath: "/models",
  operations: [PREDICT, EXPLAIN, FEEDBACK],
  schemas: SCHEMAS,
  renderError: (error, requestId) => ({
    ...renderProblem(error, requestId),
    headers: { "x-error-code": error.code },
    messageHeader: error.message,
  }),
  errors: PROBLEM_ERRORS,
};
