import { z } from "zod";
import { ApiError } from "../../domain/errors.ts";
import { MODEL_NAME, MODEL_VERSION } from "../../domain/model-id.ts";
import { parseWith } from "../parse.ts";

/** Which cached answers are erased. An empty object is refused: `{"all": true}` says it. */
export const purgeRequestSchema = z.strictObject({
  model: z.string().regex(MODEL_NAME).optional(),
  version: z.string().regex(MODEL_VERSION).optional().describe("Needs `model`."),
  client: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional()
    .describe("Of a model whose manifest says cache.scope key: the client's identifier."),
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
    throw new ApiError("invalid_request", `"version" needs "model": a version is one of a model.`);
  const scope: PurgeRequest = {
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    ...(client === undefined ? {} : { client }),
  };
  if ((all === true) === (Object.keys(scope).length === 0)) return scope;
  throw new ApiError(
    "invalid_request",
    `Name what to purge by "model", "version" and "client", or send {"all": true}, but not both.`,
  );
}
