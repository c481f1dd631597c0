import { describe, expect, test } from "vitest";
import { ApiError, ERROR_KINDS, type ErrorCode, toApiError } from "../../../src/domain/errors.ts";

/** What each code means over HTTP, by the semantics of RFC 9110 section 15. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  invalid_json: 400,
  empty_body: 400,
  invalid_input: 400,
  invalid_shape: 400,
  invalid_datatype: 400,
  value_out_of_range: 400,
  unknown_output: 400,
  inference_failed: 400,
  invalid_model: 400,
  unauthorized: 401,
  route_not_found: 404,
  model_not_found: 404,
  version_not_found: 404,
  method_not_allowed: 405,
  version_exists: 409,
  length_required: 411,
  body_too_large: 413,
  unsupported_media_type: 415,
  overloaded: 429,
  deadline_exceeded: 429,
  engine_crashed: 500,
  internal: 500,
  task_not_supported: 501,
  storage_failed: 502,
  model_missing: 503,
  model_corrupt: 503,
  model_load_failed: 503,
  out_of_memory: 507,
  model_too_large: 507,
};

/** Errors that may disappear without a change of the request: load, a crashed engine, storage. */
const RETRYABLE: readonly string[] = [
  "overloaded",
  "deadline_exceeded",
  "engine_crashed",
  "storage_failed",
  "model_missing",
  "model_corrupt",
  "model_load_failed",
] satisfies ErrorCode[];

test.each(Object.entries(STATUSES))("%s has the status %i", (code, status) => {
  const { kind } = new ApiError(code as ErrorCode, "message");
  expect(kind.status).toBe(status);
  expect(kind.retryable).toBe(RETRYABLE.includes(code));
});

test.each(Object.entries(ERROR_KINDS))(
  "%s has an error status and a title",
  (_, { status, title }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title).toMatch(/^[A-Z].*[^.]$/);
  },
);

describe("toApiError", () => {
  test("toApiError returns an ApiError unchanged", () => {
    const error = new ApiError("invalid_json", "no", { details: { at: 1 } });
    expect(toApiError(error)).toBe(error);
  });

  test.each([new Error("secret"), new TypeError("secret"), "secret", 42, null, undefined, {}])(
    "toApiError hides %o and keeps it as the cause",
    (thrown) => {
      const error = toApiError(thrown);
      expect(error.code).toBe("internal");
      expect(error.message).not.toContain("secret");
      expect(error.details).toBeUndefined();
      expect(error.cause).toBe(thrown);
    },
  );
});
