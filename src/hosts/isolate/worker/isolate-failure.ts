import { type Call, throwIfAborted } from "../../../domain/call.ts";
import { ApiError } from "../../../domain/errors.ts";
import { formatModelId, type ModelId } from "../../../domain/model-id.ts";
import { fromWireError, type WireError } from "../wire/wire-error.ts";
import { NoReply } from "./await-reply.ts";
import { InvalidReply } from "./parse-reply.ts";

/**
 * The error of a call, as the Worker's own deadline says it, if that has passed: the isolate knows only what was left of it.
 */
export function toReplyError(wire: WireError, call: Call): ApiError {
  const error = fromWireError(wire);
  if (error.code === "deadline_exceeded") call.deadline.check();
  return error;
}

/**
 * What the failure of a call to an isolate means. An isolate replies with errors as values; what is thrown says that the
 * isolate has ended: by its limit of memory or CPU time, or by a fault of its code.
 */
export function toIsolateFailure(thrown: unknown, id: ModelId, call: Call): ApiError {
  if (thrown instanceof ApiError) return thrown;
  throwIfAborted(call.signal);
  if (thrown instanceof InvalidReply)
    return new ApiError(
      "engine_crashed",
      `The isolate of ${formatModelId(id)} sent a reply that is not valid.`,
      { cause: thrown, details: { model: id.name, version: id.version } },
    );
  const details = { model: id.name, version: id.version };
  if (thrown instanceof NoReply)
    return new ApiError(
      "engine_crashed",
      `The isolate of ${formatModelId(id)} does not reply: a run without an end may keep it busy. Try again later.`,
      { cause: thrown, details },
    );
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/exceeded.*memory|out of memory/i.test(message))
    return new ApiError(
      "out_of_memory",
      `The isolate of ${formatModelId(id)} was ended, because it needed more than its 128 MB of memory. Send a smaller input; the next request gets a new isolate.`,
      { cause: thrown, details },
    );
  if (/exceeded.*(?:cpu|time)/i.test(message))
    return new ApiError(
      "engine_crashed",
      `The isolate of ${formatModelId(id)} was ended, because a run took more CPU time than its request had left. The next request gets a new isolate.`,
      { cause: thrown, details },
    );
  return new ApiError(
    "engine_crashed",
    `The isolate of ${formatModelId(id)} has ended; the next request gets a new one.`,
    { cause: thrown, details },
  );
}
