import * as z from "zod";
import { ApiError, toApiError } from "../../domain/errors.ts";
import type { ModelId } from "../../domain/model-id.ts";
import type { ModelState } from "../../domain/ports.ts";
import { quoteAll } from "../../shared/quote.ts";
import { parseWith } from "../parse.ts";

/** Triton's model repository extension. */

export const repositoryIndexRequestSchema = z.looseObject({
  ready: z.boolean().optional().describe("Return only versions that are ready."),
});

export const repositoryControlRequestSchema = z.looseObject({
  parameters: z
    .looseObject({ unload_dependents: z.boolean().optional() })
    .optional()
    .describe("Models have no dependents, so `unload_dependents` has no effect."),
});

/** @param body `undefined` if it was empty */
export function parseIndexRequest(body: unknown): { readyOnly: boolean } {
  return {
    readyOnly:
      parseWith(repositoryIndexRequestSchema, body === undefined ? {} : body).ready ?? false,
  };
}

/**
 * Checks the body of a load or unload request.
 * @throws ApiError for the parameters that replace a model's configuration or files: published
 *   versions never change
 */
export function checkControlRequest(body: unknown): void {
  const { parameters = {} } = parseWith(
    repositoryControlRequestSchema,
    body === undefined ? {} : body,
  );
  const refused = Object.keys(parameters).filter((name) => /^config$|^file:/.test(name));
  if (refused.length > 0)
    throw new ApiError(
      "invalid_request",
      `The parameter ${quoteAll(refused)} is not supported: published versions never change. Publish another version through /admin.`,
    );
}

/**
 * One entry of the index. A version that is not in memory is ready: its first request loads it.
 */
export function toIndexEntry(
  { name, version }: ModelId,
  current: ModelState,
): RepositoryIndexEntry {
  switch (current.state) {
    case "ready":
    case "absent":
      return { name, version, state: "READY", reason: "" };
    case "loading":
      return { name, version, state: "LOADING", reason: "" };
    case "failed":
      return { name, version, state: "UNAVAILABLE", reason: toApiError(current.error).message };
  }
}

export interface RepositoryIndexEntry extends ModelId {
  readonly state: "READY" | "LOADING" | "UNAVAILABLE";
  readonly reason: string;
}
