import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import { clip, MAX_REASON_LENGTH } from "../shared/quote.ts";
import type { Cell } from "./cell.ts";
import { OrtError } from "./ort-instance.ts";

/** What a failed call into the engine means. */
export interface EngineFailure {
  readonly error: ApiError;
  /** Whether the cell's memory may be damaged, so that nothing in it can be trusted any more. */
  readonly fatal: boolean;
}

const MIB = 1_048_576;
/** How C++ says it; an allocation of almost 4 GiB fails without a question to the budget. */
const OUT_OF_MEMORY = /\bbad_alloc\b/;

/** {@link toFailure} of a run, where a refusal is the input's fault. */
export function toRunFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  return toFailure(thrown, cell, id, {
    outOfMemory: "Send a smaller input.",
    crashed: "while it ran",
    refused: (reason) =>
      new ApiError("inference_failed", `The model refused the input: ${reason}.`, {
        cause: thrown,
      }),
  });
}

/** {@link toFailure} of a load, where a refusal is the model's fault. */
export function toLoadFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  return toFailure(thrown, cell, id, {
    outOfMemory: "It could not be loaded.",
    crashed: "while it loaded",
    refused: (reason) =>
      new ApiError("model_load_failed", `${formatModelId(id)} could not be loaded: ${reason}.`, {
        cause: thrown,
        details: { model: id.name, version: id.version },
      }),
  });
}

/**
 * An {@link OrtError} is an orderly refusal, unless memory ran out on the way: then destructors may
 * have been skipped. Anything else (a trap, an abort, a C++ exception that nobody caught) is a crash.
 */
function toFailure(
  thrown: unknown,
  cell: Cell,
  id: ModelId,
  words: {
    readonly outOfMemory: string;
    readonly crashed: string;
    readonly refused: (reason: string) => ApiError;
  },
): EngineFailure {
  if (thrown instanceof ApiError) return { error: thrown, fatal: false };
  const details = { model: id.name, version: id.version };
  const refused = thrown instanceof OrtError;
  if (cell.refusedBytes !== undefined || (refused && OUT_OF_MEMORY.test(thrown.message)))
    return {
      fatal: true,
      error: new ApiError(
        "out_of_memory",
        `${formatModelId(id)} needs more memory than the budget of its isolate allows; it had ${Math.round(cell.memoryBytes / MIB)} MiB. ${words.outOfMemory}`,
        { cause: thrown, details },
      ),
    };
  if (refused)
    return { fatal: false, error: words.refused(clip(thrown.message, MAX_REASON_LENGTH)) };
  return {
    fatal: true,
    error: new ApiError(
      "engine_crashed",
      `The engine crashed ${words.crashed} ${formatModelId(id)}; the next request gets a fresh one.`,
      { cause: thrown, details },
    ),
  };
}
