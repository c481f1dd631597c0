import { ApiError } from "../domain/errors.ts";
import { describeValue } from "./describe.ts";

/**
 * For whom a call is made: the Worker that calls, as its binding names it, and whom that Worker names.
 * @param props `ctx.props` of the entrypoint
 * @throws ApiError `invalid_request` for props that the binding should not have
 */
export function readPrincipal(props: unknown, named: string | undefined): string | undefined {
  const { principal } = (props ?? {}) as { readonly principal?: unknown };
  if (principal !== undefined && (typeof principal !== "string" || principal === ""))
    throw new ApiError(
      "invalid_request",
      `The props of the service binding must have a text as "principal"; got ${describeValue(principal)}.`,
    );
  if (principal === undefined) return named;
  return named === undefined ? principal : `${principal}\0${named}`;
}
