import { expect } from "vitest";
import { ApiError, type ErrorCode } from "../../src/domain/errors.ts";

/** The error that a function throws, which must be an ApiError of that code. */
export function catchApiError(code: ErrorCode, work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    return checked(code, error);
  }
  throw new Error(`nothing was thrown instead of ${code}`);
}

/** {@link catchApiError} for a promise. */
export async function rejectedApiError(code: ErrorCode, work: Promise<unknown>): Promise<ApiError> {
  return checked(
    code,
    await work.then(
      () => new Error("the promise was fulfilled"),
      (error: unknown) => error,
    ),
  );
}

function checked(code: ErrorCode, error: unknown): ApiError {
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).code).toBe(code);
  return error as ApiError;
}
