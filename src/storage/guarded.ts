import { ApiError } from "../domain/errors.ts";

/** @throws ApiError `storage_failed` that says what failed, for a failure of object storage */
export async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("storage_failed", `Object storage failed: ${what}. Try again.`, { cause });
  }
}
