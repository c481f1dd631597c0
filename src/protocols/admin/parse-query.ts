import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";

/**
 * A query parameter that is `true` or `false`; false when it is left out.
 * @throws ApiError `invalid_request`
 */
export function parseFlag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw new ApiError(
    "invalid_request",
    `The query parameter "${name}" must be true or false; got ${quote(text)}.`,
    { details: { field: name } },
  );
}
