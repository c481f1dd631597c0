import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { type Feedback, MAX_FEEDBACK } from "../../domain/monitoring/feedback.ts";
import { parseWith } from "../parse.ts";

/** Rows of one prediction. */
const MAX_ROWS = 4096;
const MAX_LABEL = 1024;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

const value = z.union([z.string().max(MAX_LABEL), z.number(), z.null()]);

export const feedbackSchema = z.strictObject({
  requestId: z
    .string()
    .regex(REQUEST_ID)
    .describe("That of the response's header `x-request-id`, or the one that was sent."),
  truth: z
    .union([z.string().max(MAX_LABEL), z.number(), z.array(value).min(1).max(MAX_ROWS)])
    .describe(
      "The label or the number that was true; of a request with several rows a list, null where it is not known.",
    ),
  time: z.iso
    .datetime({ offset: true })
    .optional()
    .describe(
      "When it became known; now when it is left out, or in the future. A later truth replaces an earlier one.",
    ),
});

export const feedbackRequestSchema = z
  .union([feedbackSchema, z.array(feedbackSchema).min(1).max(MAX_FEEDBACK)])
  .describe("The truth of one request, or of up to 1,000.");

/** What of a body is feedback, item by item, or why an item is not. */
export interface ReadFeedback {
  /** Whether the body is a list. */
  readonly isList: boolean;
  readonly items: readonly (Feedback | { readonly requestId?: string; readonly error: ApiError })[];
}

/** @throws ApiError `invalid_request` for a body that is no object and no list, or for a list that is empty or too long */
export function readFeedback(body: unknown): ReadFeedback {
  if (!Array.isArray(body)) return { isList: false, items: [toFeedback(body)] };
  if (body.length === 0 || body.length > MAX_FEEDBACK)
    throw new ApiError(
      "invalid_request",
      `The list must have 1 to ${MAX_FEEDBACK} items; got ${body.length}.`,
      { details: { valid: MAX_FEEDBACK } },
    );
  const items = body.map((item) => {
    try {
      return toFeedback(item);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { requestId } = Object(item) as { requestId?: unknown };
      const isId = typeof requestId === "string" && REQUEST_ID.test(requestId);
      return { ...(isId && { requestId }), error };
    }
  });
  return { isList: true, items };
}

function toFeedback(value: unknown): Feedback {
  const { requestId, truth, time } = parseWith(feedbackSchema, value);
  return { requestId, truth, ...(time !== undefined && { knownAt: Date.parse(time) }) };
}
