import { jsonContent } from "../openapi/schema-reference.ts";
import { PROBLEM_SCHEMAS } from "../problem-errors.ts";
import { taskRequestSchema } from "../task-request.ts";
import {
  explanationPlanSchema,
  explanationRequestSchema,
  explanationResponseSchema,
  explanationSchema,
} from "./explain-schemas.ts";
import { feedbackRequestSchema } from "./feedback-request.ts";
import { feedbackResponseSchema } from "./feedback-response.ts";
import { PREDICTION_SCHEMAS, taskResponseSchema } from "./task-response.ts";

export const SCHEMAS = {
  requests: {
    TaskRequest: taskRequestSchema,
    FeedbackRequest: feedbackRequestSchema,
    ExplanationRequest: explanationRequestSchema,
  },
  responses: {
    TaskResponse: taskResponseSchema,
    FeedbackResponse: feedbackResponseSchema,
    Explanation: explanationSchema,
    ExplanationPlan: explanationPlanSchema,
    ExplanationResponse: explanationResponseSchema,
    ...PREDICTION_SCHEMAS,
    ...PROBLEM_SCHEMAS,
  },
} as const;

export const json = jsonContent(SCHEMAS);
