import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import { clip, MAX_REASON_LENGTH } from "../shared/quote.ts";
import type { Cell } from "./cell.ts";
import { OrtError } from "./ort-instance.ts";

/** What a failed call into the engine means. */
export interface EngineFailure {
  readonly error: ApiError;
  /** Whether the cell's memory may be damaged, so that none of its models can be trusted any more. */
  readonly fatal: boolean;
}

/** The cell was lost, and not because of this model: the call can be repeated in another cell. */
export class CellLost extends Error {
  override readonly name = "CellLost";
  /** For a caller that cannot repeat it. */
  readonly failure: ApiError;

  constructor(failure: ApiError) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

const MIB = 1_048_576;
/** C++'s exception; an allocation of almost 4 GiB fails without a request to the budget. */
const OUT_OF_MEMORY = /\bbad_alloc\b/;

/** {@link toFailure} of a run, where the engine refuses the input. */
export function toRunFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  return toFailure(thrown, cell, id, {
    outOfMemory: "Send a smaller input.",
    phase: "ran",
    toRefusal: (reason) =>
      new ApiError("inference_failed", `The model refused the input: ${reason}.`, {
        cause: thrown,
      }),
  });
}

/** {@link toFailure} of a load, where the engine refuses the model. */
export function toLoadFailure(thrown: unknown, cell: Cell, id: ModelId): EngineFailure {
  return toFailure(thrown, cell, id, {
    outOfMemory: "It could not be loaded.",
    phase: "loaded",
    toRefusal: (reason) =>
      new ApiError("model_load_failed", `${formatModelId(id)} could not be loaded: ${reason}.`, {
        cause: thrown,
        details: { model: id.name, version: id.version },
      }),
  });
}

/** The error of a model whose cell was lost before it could run. */
export function toCrash(phase: "ran" | "loaded", id: ModelId, cause?: unknown): ApiError {
  return new ApiError(
    "engine_crashed",
    `The engine crashed while it ${phase} ${formatModelId(id)}; the next request gets a new one.`,
    { cause, details: { model: id.name, version: id.version } },
  );
}

/**
 * An {@link OrtError} means that the engine refused and is intact, unless memory ran out: then
 * destructors may have been skipped. Anything else (a trap, an abort, an uncaught C++ exception) is a
 * crash.
 */
function toFailure(
  thrown: unknown,
  cell: Cell,
  id: ModelId,
  context: {
    readonly outOfMemory: string;
    readonly phase: "ran" | "loaded";
    readonly toRefusal: (reason: string) => ApiError;
  },
): EngineFailure {
  if (thrown instanceof ApiError) return { error: thrown, fatal: false };
  const refused = thrown instanceof OrtError;
  if (cell.refusedBytes !== undefined || (refused && OUT_OF_MEMORY.test(thrown.message)))
    return {
      fatal: true,
      error: new ApiError(
        "out_of_memory",
        `${formatModelId(id)} needs more memory than the budget of its isolate allows; it had ${Math.round(cell.memoryBytes / MIB)} MiB. ${context.outOfMemory}`,
        { cause: thrown, details: { model: id.name, version: id.version } },
      ),
    };
  if (refused)
    return { fatal: false, error: context.toRefusal(clip(thrown.message, MAX_REASON_LENGTH)) };
  return { fatal: true, error: toCrash(context.phase, id, thrown) };
}
