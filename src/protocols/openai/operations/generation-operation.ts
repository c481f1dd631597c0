import { RUN_MODEL } from "../../error-groups.ts";
import type { InferenceOperation } from "../../operation.ts";
import { guessModel, modelInRequest } from "../model-field.ts";

/** Properties that the operations share which generate texts. */
export const GENERATION = {
  kind: "inference",
  method: "post",
  access: "predict",
  tag: "Predictions",
  parameters: ["x-timeout-ms", "x-sticky-key", "x-subject-id", "cache-control", "content-encoding"],
  errors: RUN_MODEL,
  identity: { variesBy: () => "", modelIn: modelInRequest, guessModel },
} as const satisfies Partial<InferenceOperation>;
