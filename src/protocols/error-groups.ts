import type { ErrorCode } from "../domain/errors.ts";

/** Errors that come together, because the same piece of the program throws them. */

/** Of a path that names a model. */
export const FIND_MODEL: readonly ErrorCode[] = [
  "model_not_found",
  "storage_failed",
  "model_corrupt",
];

export const LOAD_MODEL: readonly ErrorCode[] = [
  "engine_crashed",
  "storage_failed",
  "model_missing",
  "model_corrupt",
  "model_load_failed",
  "out_of_memory",
  "model_too_large",
];

/** Of a body that may be left out. */
export const READ_BODY: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_request",
  "body_too_large",
  "unsupported_media_type",
];

/** Of both ways to a prediction. */
export const PREDICT: readonly ErrorCode[] = [
  ...READ_BODY,
  "empty_body",
  "invalid_input",
  "invalid_shape",
  "invalid_datatype",
  "value_out_of_range",
  "inference_failed",
  "overloaded",
  "deadline_exceeded",
  "not_cached",
  ...FIND_MODEL,
  ...LOAD_MODEL,
];
