import type { MiddlewareHandler } from "hono";
import { ApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import { containsSecret } from "./scrub-reply.ts";

/** A larger body has files or a manifest, which are published as they are. */
const MAX_BODY_BYTES = 262_144;
const DECODER = new TextDecoder();

/**
 * Refuses a change whose path, query or body has a secret: names, notes and filters of changes are stored, logged and kept in a
 * history, where a key that was pasted into the wrong field would stay. To be registered after the body was read.
 */
export const refuseSecrets: MiddlewareHandler<AppEnv> = async function refuseSecrets(c, next) {
  const url = c.req.url;
  // Not set where the handler reads the body as a stream.
  const body = c.get("body") as Uint8Array | undefined;
  const texts: [place: string, text: string][] = [["path or query", decode(url)]];
  if (body && body.byteLength <= MAX_BODY_BYTES) texts.push(["body", DECODER.decode(body)]);
  for (const [place, text] of texts)
    if (containsSecret(c, text))
      throw new ApiError(
        "invalid_request",
        `The ${place} of the request has a secret, such as an API key, and would be stored: send keys in the header Authorization alone, and name a key by its id.`,
      );
  await next();
};

function decode(url: string): string {
  try {
    return `${url} ${decodeURIComponent(url)}`;
  } catch {
    return url;
  }
}
