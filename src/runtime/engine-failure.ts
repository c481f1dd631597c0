import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { Cell } from "./cell.ts";
import { OrtError } from "./ort-instance.ts";

/** What a failed call into the engine means. */
export interface EngineFailure {
  readonly error: ApiError;
  /** Whether the cell's memory may be damaged, so that nothing in it can be trusted any more. */
  readonly fatal: boolean;
}

const MIB = 1_048_576;

/**
 * An {@link OrtError} is an orderly refusal, unless memory ran out on the way: then destructors may
 * have been skipped. Anything else (a trap, an abort, a C++ exception that nobody caught) is a crash.
 */
export function toEngineFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  if (thrown instanceof ApiError) return { error: thrown, fatal: false };
  const details = { model: id.name, version: id.version };
  if (cell.growthRefused)
    return {
      fatal: true,
      error: new ApiError(
        "out_of_memory",
        `${formatModelId(id)} needs more memory than the budget of its isolate allows; it had ${Math.round(cell.memoryBytes / MIB)} MiB. Send a smaller input.`,
        { cause: thrown, details },
      ),
    };
  if (thrown instanceof OrtError)
    return {
      fatal: false,
      error: new ApiError("inference_failed", `The model refused the input: ${thrown.message}.`, {
        cause: thrown,
      }),
    };
  return {
    fatal: true,
    error: new ApiError(
      "engine_crashed",
      `The engine crashed while it ran ${formatModelId(id)}; the model is loaded anew for the next request.`,
      { cause: thrown, details },
    ),
  };
}

/** {@link toEngineFailure} for a load, where a refusal is the model's fault and not the input's. */
export function toLoadFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  const failure = toEngineFailure(thrown, cell, id);
  if (failure.error.code !== "inference_failed") return failure;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    fatal: false,
    error: new ApiError(
      "model_load_failed",
      `${formatModelId(id)} could not be loaded: ${reason}.`,
      { cause: thrown, details: { model: id.name, version: id.version } },
    ),
  };
}
