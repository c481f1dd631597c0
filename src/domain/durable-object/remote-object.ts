import { settlesWithin } from "../../shared/settles-within.ts";
import type { ApiError } from "../errors.ts";
import { fromOutcome, type Outcome } from "./outcome.ts";

export interface RemoteObjectOptions<Stub> {
  /** Makes a stub, which is used for one call: one that has failed stays broken. */
  readonly connect: () => Stub;
  /** For errors, such as `KEYS`. */
  readonly binding: string;
  /** Longer than the object ever takes, also when it has to start. */
  readonly timeoutMs: number;
  /** What is thrown for an object that does not answer. */
  readonly unavailable: (cause: unknown) => ApiError;
}

type Work<Stub, T> = (stub: Stub) => Promise<Outcome<T>>;

/** Calls a Durable Object. */
export interface RemoteObject<Stub> {
  /** @throws ApiError of the outcome, or that the object is out of reach */
  call<T>(work: Work<Stub, T>): Promise<T>;
  /** For what may be done twice: the object may have been moved, or restarted with new code, just now. */
  callAgain<T>(work: Work<Stub, T>): Promise<T>;
}

export function createRemoteObject<Stub>({
  connect,
  binding,
  timeoutMs,
  unavailable,
}: RemoteObjectOptions<Stub>): RemoteObject<Stub> {
  async function withinTime<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = work();
      if (await settlesWithin(result, timeoutMs)) return await result;
      result.catch(() => undefined);
    } catch (cause) {
      throw unavailable(cause);
    }
    throw unavailable(
      new Error(`the Durable Object ${binding} did not answer within ${timeoutMs} ms`),
    );
  }

  async function call<T>(work: Work<Stub, T>): Promise<T> {
    return fromOutcome(await withinTime(() => work(connect())));
  }

  return {
    call,
    callAgain: (work) =>
      call(work).catch((error: unknown) => {
        if (isTransient(error)) return call(work);
        throw error;
      }),
  };
}

/** What the runtime says of a failure that another attempt may not have; an overloaded object gets none. */
function isTransient(error: unknown): boolean {
  const { retryable, overloaded } = Object((error as ApiError).cause);
  return retryable === true && overloaded !== true;
}
