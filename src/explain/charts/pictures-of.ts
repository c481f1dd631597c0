import type { ChartKind } from "../../domain/explanation/explanation-parameters.ts";
import { barPicture } from "./bar.ts";
import type { ChartAnswer } from "./chart-answer.ts";
import {
  type Contributions,
  type ExplainedFeatures,
  largestOutputs,
  notExplained,
  selectOutputs,
  toContributions,
} from "./contributions.ts";
import { forcePicture } from "./force.ts";
import { toNumberLabel } from "./labels.ts";
import { linePicture } from "./line.ts";
import { MAX_SERIES } from "./palette.ts";
import type { Picture } from "./picture.ts";
import { waterfallPicture } from "./waterfall.ts";

export interface PictureOptions {
  /** By default a waterfall of one output whose values add up to it, else bars. */
  readonly chart?: ChartKind | undefined;
  /** Rows of a chart; the last one is the sum of the features that have none. */
  readonly maxDisplay: number;
  /** Such as the name of the model. */
  readonly title?: string | undefined;
}

const MAX_ROWS = 100;

/**
 * The pictures of one answer: several of several outputs or features.
 * @param outputs of how many outputs there is a picture, where the kind of chart shows one at a time
 */
export function picturesOf(
  answer: ChartAnswer,
  { chart: wanted, maxDisplay: count, title = "Explanation" }: PictureOptions,
  outputs: number = MAX_SERIES,
): Picture[] {
  const maxDisplay = Math.min(Math.max(count, 1), MAX_ROWS);
  const { partial_dependence, importances_mean, metric, space = "output" } = answer;
  if (partial_dependence)
    return partial_dependence.map((curve) =>
      linePicture(curve, answer.output_names ?? [], axisOf(space)),
    );
  const contributions = contributionsOf(answer);
  if (!contributions) return [];
  if (importances_mean)
    return [
      barPicture(contributions, {
        title: "Permutation importance",
        axis: axisOfMetric(metric),
        maxDisplay,
        signed: true,
      }),
    ];
  const isGlobal = contributions.base.length === 0;
  const chart = wanted ?? defaultChart(contributions);
  if (isGlobal || chart === "bar")
    return [
      barPicture(contributions, {
        title: isGlobal ? "Mean absolute values" : titleOf(contributions, title),
        axis: axisOf(space),
        maxDisplay,
        signed: !isGlobal,
      }),
    ];
  const draw = chart === "waterfall" ? waterfallPicture : forcePicture;
  return largestOutputs(contributions, outputs).map((place) => {
    const one = selectOutputs(contributions, [place]);
    return draw(one, { title: titleOf(one, title), axis: axisOf(space), maxDisplay });
  });
}

export function contributionsOf(answer: ChartAnswer): Contributions | undefined {
  const { feature_names, output_names, values, importances_mean, importances_std } = answer;
  if (feature_names && importances_mean)
    return toContributions({
      feature_names,
      output_names: ["Importance"],
      values: importances_mean,
      std_error: importances_std ?? null,
    });
  if (!feature_names || !output_names || !values) return undefined;
  const explained = answer as ExplainedFeatures;
  const { data, ...withoutData } = explained;
  // Parts of texts, pictures and recordings have no values but themselves.
  const isOfParts = answer.spans ?? answer.map ?? answer.parts;
  return toContributions(isOfParts ? withoutData : explained);
}

/** A waterfall of one output whose values add up to it, else bars. */
function defaultChart(contributions: Contributions): ChartKind {
  return contributions.outputNames.length === 1 && notExplained(contributions) === 0
    ? "waterfall"
    : "bar";
}

function titleOf({ outputNames, output }: Contributions, title: string): string {
  const [name] = outputNames;
  if (outputNames.length !== 1 || name === undefined) return title;
  return output[0] === undefined
    ? `${title}: ${name}`
    : `${title}: ${name} ${toNumberLabel(output[0])}`;
}

/** Of a loss, more is worse. */
function axisOfMetric(metric: string = "score"): string {
  return metric === "log_loss" || metric === "rmse"
    ? `increase of ${metric}`
    : `decrease of ${metric}`;
}

const AXES: Readonly<Record<string, string>> = {
  margin: "margin (raw score, log-odds of two labels)",
  log_odds: "log-odds (the label against the others)",
  probability: "probability",
};

function axisOf(space: string): string {
  return AXES[space] ?? "output of the model";
}
