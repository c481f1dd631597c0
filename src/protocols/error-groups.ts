import type { ErrorCode } from "../domain/errors.ts";

/** Groups of errors that the same part of the program throws. */

/** Resolving a model. */
export const RESOLVE_MODEL: readonly ErrorCode[] = [
  "model_not_found",
  "version_not_found",
  "alias_not_found",
  "storage_failed",
  "model_corrupt",
  "signature_invalid",
  "routing_corrupt",
  "signature_invalid",
];

/** Loading a model. */
export const LOAD_MODEL: readonly ErrorCode[] = [
  "engine_crashed",
  "storage_failed",
  "model_missing",
  "model_corrupt",
  "model_load_failed",
  "out_of_memory",
  "model_too_large",
];

/** Reading an optional body. */
export const READ_BODY: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_request",
  "body_too_large",
  "body_timeout",
  "overloaded",
  "unsupported_media_type",
];

/** Running a model, for any inference operation. */
export const RUN_MODEL: readonly ErrorCode[] = [
  ...READ_BODY,
  "empty_body",
  "invalid_input",
  "invalid_shape",
  "invalid_datatype",
  "value_out_of_range",
  "inference_failed",
  "deadline_exceeded",
  "not_cached",
  "rate_limited",
  "quota_exceeded",
  ...RESOLVE_MODEL,
  ...LOAD_MODEL,
];
