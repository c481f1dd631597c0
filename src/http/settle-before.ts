import type { Deadline } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";

/**
 * Awaits bytes of a body, until the deadline.
 * @param others reject when the bytes are not waited for any longer
 * @throws ApiError `body_timeout`
 */
export async function settleBefore<T>(
  deadline: Deadline,
  read: Promise<T>,
  ...others: readonly Promise<never>[]
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const { remainingMs } = deadline;
  const timer = Number.isFinite(remainingMs)
    ? setTimeout(() => reject(bodyTimeout(deadline)), remainingMs)
    : undefined;
  try {
    return await Promise.race([read, late, ...others]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    // It rejects when the body is cancelled.
    read.catch(() => undefined);
  }
}

function bodyTimeout({ timeoutMs }: Deadline): ApiError {
  return new ApiError(
    "body_timeout",
    `The body was not complete within the request's timeout of ${timeoutMs} ms.`,
    { details: { timeoutMs } },
  );
}
