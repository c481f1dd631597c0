import { ApiError } from "../domain/errors.ts";
import { quote } from "../shared/quote.ts";

/**
 * The query of a request to the task API, by name.
 * @throws ApiError `invalid_request` for a name that is there twice, of which one value would be ignored
 */
export function taskQuery(url: string): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URL(url).searchParams) {
    if (query.has(name))
      throw new ApiError(
        "invalid_request",
        `The query has ${quote(name)} more than once: send one value, or the parameter in the body.`,
        { details: { field: name } },
      );
    query.set(name, value);
  }
  if (query.has("__proto__"))
    throw new ApiError("invalid_request", 'No task has a parameter "__proto__".');
  return Object.fromEntries(query);
}
