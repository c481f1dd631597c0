import { jsonContent } from "../openapi/schema-reference.ts";
import { PROBLEM_SCHEMAS } from "../problem-errors.ts";
import { taskRequestSchema } from "../task-request.ts";
import { PREDICTION_SCHEMAS, taskResponseSchema } from "./task-response.ts";

export const SCHEMAS = {
  requests: { TaskRequest: taskRequestSchema },
  responses: { TaskResponse: taskResponseSchema, ...PREDICTION_SCHEMAS, ...PROBLEM_SCHEMAS },
} as const;

export const json = jsonContent(SCHEMAS);
