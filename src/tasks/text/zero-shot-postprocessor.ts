import {
  type ZeroShotClassificationBlock,
  zeroShotClassificationBlock,
} from "../../domain/blocks/postprocess/zero-shot-classification.ts";
import { ApiError } from "../../domain/errors.ts";
import { softmax } from "../../shared/activations.ts";
import { outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";
import { toRows } from "../rows.ts";
import { candidateLabels } from "./candidate-labels.ts";

/**
 * The labels of a request with scores, best first, by the rules of `ZeroShotClassificationPipeline` in `transformers`: a softmax over
 * the entailment of all labels, or, where several may be true, over contradiction and entailment of each.
 * @param labels of the manifest: the classes of a model of entailment; none of a model that reads the request's labels
 */
export function createZeroShotPostprocessor(
  block: ZeroShotClassificationBlock,
  labels: readonly string[],
): Postprocessor<typeof zeroShotClassificationBlock.parameters> {
  const entailment = labels.indexOf(block.entailment ?? "");
  const contradiction = labels.indexOf(block.contradiction ?? "");
  const readsLabels = block.entailment === undefined;
  const several = readsLabels || contradiction === -1 ? undefined : [contradiction, entailment];

  const scoresOf = (rows: readonly (readonly number[])[], isMultiLabel: boolean): number[] => {
    if (!isMultiLabel) return softmax(rows.map((row) => row[entailment] ?? 0));
    return rows.map((row) => softmax((several ?? []).map((at) => row[at] ?? 0))[1] ?? 0);
  };

  return {
    outputs: [block.scores],
    parameters: zeroShotClassificationBlock.parameters,
    forRequest(_form, { multi_label }) {
      if (multi_label) checkSeveral(several);
      return undefined;
    },
    toPredictions([result], _metadata, parameters) {
      const wanted = candidateLabels(parameters);
      if (readsLabels) {
        if (result?.shape[1] !== wanted.length)
          throw outputMismatch(result, `[batch, ${wanted.length}], a score for each label`);
        return toRows(result).map((row) => toLabels(wanted, softmax(row)));
      }
      return toRows(result, labels.length);
    },
    assemble(predictions, form, parameters) {
      if (readsLabels) return form === "one" ? predictions[0] : predictions;
      const wanted = candidateLabels(parameters);
      const rows = predictions as readonly (readonly number[])[];
      const texts = Array.from({ length: rows.length / wanted.length }, (_, text) =>
        rows.slice(text * wanted.length, (text + 1) * wanted.length),
      );
      const all = texts.map((own) =>
        toLabels(wanted, scoresOf(own, parameters.multi_label === true)),
      );
      return form === "one" ? all[0] : all;
    },
  };
}

function toLabels(labels: readonly string[], scores: readonly number[]) {
  return labels
    .map((label, index) => ({ label, score: scores[index] ?? 0 }))
    .sort((a, b) => b.score - a.score);
}

/** @throws ApiError `invalid_request` for a model that can only choose one of the labels */
function checkSeveral(several: readonly number[] | undefined): void {
  if (several) return;
  throw new ApiError(
    "invalid_request",
    '"parameters" are not valid for this model: multi_label cannot be true, because the model chooses one of the labels. Leave it out, or send false.',
    { details: { field: "parameters.multi_label", valid: [false] } },
  );
}
