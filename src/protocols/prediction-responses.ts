import type { OperationResponse } from "./operation.ts";

/** What every inference operation documents, because the response cache and `respondBytes` serve them all. */

/** The headers of a response with predictions. */
export const PREDICTION_HEADERS = [
  "x-model-version",
  "x-model-alias",
  "cache-status",
  "age",
  "etag",
  "content-encoding",
] as const;

export const PREDICTION_NOT_MODIFIED: OperationResponse = {
  description: "Not modified: the client has the current response.",
  headers: ["x-model-version", "x-model-alias", "cache-status", "age", "etag"],
};
