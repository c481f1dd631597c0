import { ApiError } from "../../domain/errors.ts";

/** Names the field of the request that an error is about, as OpenAI's API calls it. */
export function nameField(field: "model" | "input"): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ApiError) || error.kind.status >= 500) throw error;
    throw new ApiError(error.code, error.message.replace(/^inputs\b/, "input"), {
      cause: error.cause,
      details: { ...error.details, field },
    });
  };
}
