import { z } from "zod";
import { ERROR_KINDS, type ErrorCode } from "../../domain/errors.ts";

/**
 * An error as OpenAI's API has it (https://platform.openai.com/docs/guides/error-codes), in which
 * `middleware/render-error.ts` answers under `/v1`.
 */
export const openAiErrorSchema = z
  .strictObject({
    error: z.strictObject({
      message: z.string().describe("What is wrong, for people."),
      type: z.enum([
        "invalid_request_error",
        "authentication_error",
        "rate_limit_error",
        "server_error",
      ]),
      param: z.string().nullable().describe("The field of the request that is wrong."),
      code: z.enum(Object.keys(ERROR_KINDS) as [ErrorCode, ...ErrorCode[]]),
    }),
  })
  .describe("An error in OpenAI's form; the codes are those of all routes.");
