import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelSource } from "../domain/ports.ts";
import { clip, MAX_REASON_LENGTH } from "../shared/quote.ts";
import type { Cell } from "./cell.ts";
import { type BudgetLimit, describeBudget, describeRemedies } from "./memory-advice.ts";
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

/** How the engine says that it has no file system from which it could read another file. */
const EXTERNAL_DATA = /MountedFiles|external data/i;
const OTHER_FILE =
  "its weights are in another file, and the engine reads only the model's own; publish it through /admin, or seed it, with both files, which are made one";

/** C++'s exception; an allocation of almost 4 GiB fails without a request to the budget. */
const OUT_OF_MEMORY = /\bbad_alloc\b/;

/** {@link toFailure} of a run, where the engine refuses the input. */
export function toRunFailure(
  thrown: unknown,
  cell: Cell,
  source: ModelSource,
  budget: BudgetLimit,
): EngineFailure {
  return toFailure(thrown, cell, source, {
    budget,
    need: "with this input",
    remedy: "Send a smaller input.",
    phase: "ran",
    toRefusal: (reason) =>
      new ApiError("inference_failed", `The model refused the input: ${reason}.`, {
        cause: thrown,
      }),
  });
}

/** {@link toFailure} of a load, where the engine refuses the model. */
export function toLoadFailure(
  thrown: unknown,
  cell: Cell,
  source: ModelSource,
  budget: BudgetLimit,
): EngineFailure {
  const { id } = source;
  return toFailure(thrown, cell, source, {
    budget,
    need: "while it is loaded",
    remedy: describeRemedies(source),
    phase: "loaded",
    toRefusal: (reason) =>
      new ApiError(
        "model_load_failed",
        `${formatModelId(id)} could not be loaded: ${EXTERNAL_DATA.test(reason) ? OTHER_FILE : reason}.`,
        { cause: thrown, details: { model: id.name, version: id.version } },
      ),
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
  { id }: ModelSource,
  context: {
    readonly budget: BudgetLimit;
    /** When it needs the memory. */
    readonly need: string;
    readonly remedy: string;
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
        `${formatModelId(id)} needs more memory ${context.need} than ${describeBudget(context.budget)} allows. ${context.remedy}`,
        {
          cause: thrown,
          details: { model: id.name, version: id.version, budgetBytes: context.budget.bytes },
        },
      ),
    };
  if (refused)
    return { fatal: false, error: context.toRefusal(clip(thrown.message, MAX_REASON_LENGTH)) };
  return { fatal: true, error: toCrash(context.phase, id, thrown) };
}
