import { type Html, html } from "../../shared/html.ts";
import type { ChartAnswer } from "./chart-answer.ts";
import { largestOutputs } from "./contributions.ts";
import { toLabel, toNumberLabel } from "./labels.ts";
import { MAX_SERIES } from "./palette.ts";
import { contributionsOf } from "./pictures-of.ts";
import { shadedText } from "./shaded-text.ts";
import { contributionTable, counterfactualTable, neighborTable } from "./tables.ts";

/** What was done, in a sentence. */
export function facts(answer: ChartAnswer): Html {
  const { method, exact, space, runs, additivity_error, metric, score, label } = answer;
  const texts = [
    method ? [`Method ${method}${exact === undefined ? "" : exact ? ", exact" : ", sampled"}`] : [],
    label ? [`of ${toLabel(label)}`] : [],
    space ? [`in the space ${space}`] : [],
    typeof score === "number" && metric ? [`${metric} ${toNumberLabel(score)}`] : [],
    typeof runs === "number" ? [`${runs} runs of the model`] : [],
    typeof additivity_error === "number" && additivity_error > 1e-9
      ? [`additivity error ${toNumberLabel(additivity_error)}`]
      : [],
  ].flat();
  return html`<p class="facts">${texts.join(", ")}.</p>`;
}

/** A text, once for each output that is explained. */
export function textsOf({ spans, text, output_names = [], ...answer }: ChartAnswer): Html[] {
  if (!spans) return [];
  const contributions = contributionsOf({ output_names, ...answer });
  const places = contributions ? largestOutputs(contributions, MAX_SERIES) : [0];
  return places.map(
    (place) =>
      html`${places.length > 1 ? html`<h3>${toLabel(output_names[place] ?? String(place))}</h3>` : undefined}${shadedText(spans, text, place)}`,
  );
}

/** All numbers of an answer. */
export function tablesOf(answer: ChartAnswer): Html[] {
  const contributions = contributionsOf(answer);
  const { counterfactuals = [], neighbors, feature_names = [] } = answer;
  const signed = answer.base_value !== undefined || answer.importances_mean !== undefined;
  return [
    ...(contributions
      ? [contributionTable(contributions, signed, answer.importances_std && "Standard deviation")]
      : []),
    ...counterfactuals.map(counterfactualTable),
    ...(neighbors ? [neighborTable(neighbors, feature_names)] : []),
  ];
}
