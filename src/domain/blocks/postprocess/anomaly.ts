import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, NUMERIC, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("anomaly"),
  version,
  scores: z
    .string()
    .describe(
      "The model's output, of shape [batch, 1] or [batch]: lower for what is less normal, as decision_function of scikit-learn.",
    ),
  threshold: z.number().default(0).describe("Scores below it are anomalies."),
});

export type AnomalyBlock = z.output<typeof schema>;

export const ANOMALY_LABELS = ["anomaly", "normal"] as const;

const verdict = z.strictObject({ label: z.enum(ANOMALY_LABELS), score: z.number() });

/** Whether an item is an anomaly, with its score. */
export const anomalyBlock = {
  type: "anomaly",
  schema,
  parameters: z.strictObject({
    threshold: z.number().optional().describe("scores below it are anomalies"),
  }),
  prediction: verdict.describe(
    "Anomaly detection: a label, and the score of the model, which is lower for what is less normal.",
  ),
  named: { AnomalyVerdict: verdict },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, { outputs }) {
    const spec = findSpec(outputs, block.scores);
    const shapes = [["batch", 1], ["batch"]];
    if (spec)
      yield* tensorProblems(["postprocess", "scores"], spec, { datatypes: NUMERIC, shapes });
  },
} satisfies PostprocessDefinition<typeof schema>;
