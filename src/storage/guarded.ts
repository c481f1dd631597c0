import { ApiError } from "../domain/errors.ts";
import { NoAnswer } from "../shared/within.ts";

/** @throws ApiError `storage_failed` that says what failed, for a failure of object storage */
export async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    const failed = cause instanceof NoAnswer ? "did not answer in time" : "failed";
    throw new ApiError("storage_failed", `Object storage ${failed}: ${what}. Try again.`, {
      cause,
    });
  }
}
