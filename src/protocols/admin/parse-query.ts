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

/**
 * A query parameter that is an integer within bounds.
 * @throws ApiError `invalid_request`
 */
export function parseCount(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^[0-9]{1,16}$/.test(text) && value >= min && value <= max) return value;
  throw new ApiError(
    "invalid_request",
    `The query parameter "${name}" must be an integer from ${min} to ${max}; got ${quote(text)}.`,
    { details: { field: name } },
  );
}
