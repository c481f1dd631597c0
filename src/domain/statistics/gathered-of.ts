import type { Trace } from "../trace.ts";
import type { GatheredStatistics } from "./request-statistics.ts";

/** All that was gathered of a request: here, in the isolate of its model, or by the request whose answer it got. */
export function gatheredOf({
  statistics,
  gathered,
}: Pick<Trace, "statistics" | "gathered">): GatheredStatistics | undefined {
  const own = statistics?.finish();
  if (!own || !gathered) return own ?? gathered;
  return {
    inputs:
      own.inputs && gathered.inputs
        ? [...own.inputs, ...gathered.inputs]
        : (own.inputs ?? gathered.inputs),
    outputs: own.outputs ?? gathered.outputs,
    inferences: own.inferences ?? gathered.inferences,
    profile: own.profile ?? gathered.profile,
  };
}
