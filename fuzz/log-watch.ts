import type { LogLine } from "../scripts/local-worker.ts";
import type { RequestEvent } from "../src/domain/event.ts";

/** An error that the Worker or workerd logged. */
export interface LoggedError {
  readonly cause: string;
  readonly detail: string;
  /** Of the request, when the line is its event. */
  readonly requestId?: string;
}

/** What must not be in the log. Most lines are events of requests, which are searched without being parsed. */
export function findLoggedError({ level, message }: LogLine): LoggedError | undefined {
  if (message.startsWith('{"event":')) {
    if (!message.includes('"errorCode":"internal"')) return undefined;
    const event = JSON.parse(message) as RequestEvent;
    const cause = event.errorCause ?? event.errorMessage ?? "";
    return {
      cause: `an internal error in the log: ${cause.split("\n", 1)[0]}`,
      detail: cause,
      requestId: event.requestId,
    };
  }
  if (level !== "error" && level !== "warn") return undefined;
  return {
    cause: `a line in the log: ${message.split("\n", 1)[0]?.slice(0, 200)}`,
    detail: message,
  };
}
