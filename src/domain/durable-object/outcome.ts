import { ApiError, ERROR_KINDS, type ErrorCode } from "../errors.ts";

/** What a method of a Durable Object crosses as: of what is thrown, only some properties would cross. */
export type Outcome<T> =
  | { readonly value: T }
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly details?: Readonly<Record<string, unknown>> | undefined;
      };
    };

/** @throws what is thrown and is no ApiError */
export function toOutcome<T>(work: () => T): Outcome<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, details } = error;
    return { error: { code, message, ...(details && { details }) } };
  }
}

/** @throws what is thrown and is no ApiError */
export async function toOutcomeLater<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await work();
    return { value };
  } catch (error) {
    return toOutcome(() => {
      throw error;
    });
  }
}

/** @throws ApiError of an outcome that is one */
export function fromOutcome<T>(outcome: Outcome<T>): T {
  if (!("error" in outcome)) return outcome.value;
  const { code, message, details } = outcome.error;
  if (!Object.hasOwn(ERROR_KINDS, code)) throw new Error(`the Durable Object failed: ${message}`);
  throw new ApiError(code, message, details && { details });
}
