import type { Deadline } from "./deadline.ts";
import { ApiError } from "./errors.ts";

/**
 * Awaits bytes of a body, until the deadline. One promise and one timer: every request with a body awaits it.
 * @param onGivenUp takes what to call when the bytes are not waited for any longer
 * @throws ApiError `body_timeout`
 */
export function settleBefore<T>(
  deadline: Deadline,
  read: Promise<T>,
  onGivenUp?: (giveUp: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { remainingMs } = deadline;
    const expire = (): void => reject(bodyTimeout(deadline));
    const timer = Number.isFinite(remainingMs) ? setTimeout(expire, remainingMs) : undefined;
    const stop = (): void => {
      if (timer !== undefined) clearTimeout(timer);
    };
    onGivenUp?.(reject);
    read.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
}

function bodyTimeout({ timeoutMs }: Deadline): ApiError {
  return new ApiError(
    "body_timeout",
    `The body was not complete within the request's timeout of ${timeoutMs} ms.`,
    { details: { timeoutMs } },
  );
}
