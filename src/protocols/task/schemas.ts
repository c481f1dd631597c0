import { jsonContent } from "../openapi/schema-reference.ts";
import { PROBLEM_SCHEMAS } from "../problem-errors.ts";
import { taskAnswerSchema } from "./task-answer.ts";
import { taskRequestSchema } from "./task-request.ts";

export const SCHEMAS = {
  requests: { TaskRequest: taskRequestSchema },
  responses: { TaskAnswer: taskAnswerSchema, ...PROBLEM_SCHEMAS },
} as const;

export const json = jsonContent(SCHEMAS);
