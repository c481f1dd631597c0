import { ApiError } from "../../domain/errors.ts";

/** Adds to an error the field of the request that it is about, by its name in OpenAI's API. */
export function nameField(field: "model" | "input"): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ApiError) || error.kind.status >= 500) throw error;
    throw new ApiError(error.code, error.message.replace(/^inputs\b/, "input"), {
      cause: error.cause,
      details: { ...error.details, field },
    });
  };
}
