import type { MiddlewareHandler } from "hono";
import {
  FLOOD_POLICY,
  FLOOD_WINDOW_SECONDS,
  type FloodGuard,
} from "../domain/access/flood-guard.ts";
import { ApiError } from "../domain/errors.ts";
import { networkOf } from "../shared/network-of.ts";
import { clientAddress } from "./client-address.ts";
import type { AppEnv } from "./context.ts";

/**
 * Refuses the requests of a network that sends too many, before anything else is done for them. A request without an address, as
 * on a local server, is not counted.
 */
export function refuseFloods(guard: FloodGuard): MiddlewareHandler<AppEnv> {
  return async function refuseFloods(c, next) {
    const address = clientAddress(c);
    if (address && !(await guard.allows(networkOf(address))))
      throw new ApiError(
        "rate_limited",
        `Too many requests from your address. Try again in ${FLOOD_WINDOW_SECONDS} s.`,
        {
          details: {
            violatedPolicies: [FLOOD_POLICY],
            retryAfterSeconds: FLOOD_WINDOW_SECONDS,
          },
        },
      );
    await next();
  };
}
