import type { TruthValue } from "../../domain/monitoring/feedback.ts";
import type { KeptRow } from "../../domain/monitoring/prediction-batch.ts";
import type { TruthPair } from "../../domain/monitoring/truth-sums.ts";

/** The rows whose prediction is kept and whose truth is known, in their order. */
export function toPairs(rows: readonly KeptRow[], truth: readonly TruthValue[]): TruthPair[] {
  return rows.flatMap((row, index): TruthPair[] => {
    const known = truth[index];
    if (row === null || known === null || known === undefined) return [];
    if (typeof row === "number")
      return typeof known === "number" ? [{ kind: "value", predicted: row, truth: known }] : [];
    const [predicted, confidence] = row;
    return typeof known === "string"
      ? [{ kind: "label", predicted, truth: known, confidence }]
      : [];
  });
}
