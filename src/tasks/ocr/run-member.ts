import type { Call } from "../../domain/call.ts";
import type { Tensor } from "../../domain/tensor.ts";
import type { ModelSet } from "../task.ts";

/**
 * Runs a model of the version for a part of an answer. The answer is stored as a whole: maps and scores of all characters would take
 * megabytes a line.
 * @param member one of the version's `models`; the main one when left out
 */
export async function runMember(
  models: ModelSet,
  input: Tensor,
  outputs: readonly string[],
  { trace }: Pick<Call, "trace">,
  member?: string,
): Promise<readonly Tensor[]> {
  using lease = await models.lease(0, member);
  return trace.measure("infer", () => lease.model.run([input], outputs));
}
