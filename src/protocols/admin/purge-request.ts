import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { MODEL_NAME, MODEL_VERSION } from "../../domain/model-id.ts";
import { parseWith } from "../parse.ts";

/** Which cache entries are purged. An empty object is refused: `{"all": true}` purges all of them. */
export const purgeRequestSchema = z.strictObject({
  model: z.string().regex(MODEL_NAME).optional(),
  version: z.string().regex(MODEL_VERSION).optional().describe("Requires `model`."),
  client: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional()
    .describe("The client's identifier, for models whose manifest sets `cache.scope` to `key`."),
  all: z.literal(true).optional(),
});

export interface PurgeRequest {
  model?: string;
  version?: string;
  client?: string;
}

/** @throws ApiError `invalid_request` */
export function parsePurgeRequest(body: unknown): PurgeRequest {
  const { all, model, version, client } = parseWith(purgeRequestSchema, body);
  if (version !== undefined && model === undefined)
    throw new ApiError("invalid_request", `"version" requires "model".`);
  const scope: PurgeRequest = {
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    ...(client === undefined ? {} : { client }),
  };
  if ((all === true) === (Object.keys(scope).length === 0)) return scope;
  throw new ApiError(
    "invalid_request",
    `Select what to purge by "model", "version" and "client", or send {"all": true}, but not both.`,
  );
}
