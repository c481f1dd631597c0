import { type Call, throwIfAborted } from "../../domain/call.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import { PHASES, type Trace } from "../../domain/trace.ts";
import type { ExplainedVersion, VersionBlocks } from "../../explain/explained-version.ts";
import type { RunBudget } from "./run-budget.ts";

/** What explanations need of a deployment. */
export interface ExplainedVersionSource {
  readonly host: Pick<ModelHost, "infer" | "execute">;
  readonly blocks: (model: PublishedModel, call: Call) => Promise<VersionBlocks | undefined>;
  readonly readFile: (model: PublishedModel, path: string) => Promise<Uint8Array>;
}

/** Runs that take less together, by the clock, are one piece of work. A clock that stands still meanwhile tells nothing of them. */
const PIECE_MS = 0.5;

/**
 * A version as the methods see it. Its runs are those of no client: they are counted in the budget, and nothing is gathered of them that
 * is told of predictions.
 */
export function createExplainedVersion(
  { host, blocks, readFile }: ExplainedVersionSource,
  {
    model,
    call,
    budget,
    background,
    now = () => performance.now(),
  }: Pick<ExplainedVersion, "model" | "call" | "background"> & {
    readonly budget: RunBudget;
    readonly now?: () => number;
  },
): ExplainedVersion {
  let pieceStart = Number.NEGATIVE_INFINITY;
  return {
    model,
    call,
    background,
    async infer(inputs, outputs, rows, member) {
      const elapsed = now() - pieceStart;
      if (elapsed <= 0 || elapsed >= PIECE_MS) {
        await call.checkpoint();
        pieceStart = now();
      } else {
        throwIfAborted(call.signal);
        call.deadline.check();
      }
      budget.take(rows);
      return host.infer({ model, member, inputs, outputs }, call);
    },
    async execute(request, rows) {
      await call.checkpoint();
      budget.take(rows);
      const own = call.fork();
      try {
        return await host.execute({ ...request, model }, own);
      } finally {
        addWork(call.trace, own.trace);
      }
    },
    blocks: () => blocks(model, call),
    readFile: (path) => readFile(model, path),
  };
}

/** What a run has cost, without what it was about. */
function addWork(trace: Trace, own: Trace): void {
  for (const phase of PHASES) {
    const ms = own.phasesMs[phase];
    if (ms !== undefined) trace.add(phase, ms);
  }
  trace.executions += own.executions;
  if (own.coldStart !== undefined) trace.coldStart ||= own.coldStart;
  trace.digest ??= own.digest;
  trace.heapBytes = own.heapBytes ?? trace.heapBytes;
  trace.isolate = own.isolate ?? trace.isolate;
  if (own.queueMs !== undefined) trace.queueMs = (trace.queueMs ?? 0) + own.queueMs;
}
