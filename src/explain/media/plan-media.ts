import { createSeededRandom } from "../../shared/random.ts";
import type { Estimator } from "../estimator.ts";
import type { ExplanationRequest, PlannedExplanation } from "../method.ts";
import { planCoalitions } from "../plan-coalitions.ts";
import { toExplanation } from "../to-explanation.ts";
import type { MediaInput, PlayerValues } from "./media-input.ts";
import type { MediaParameters } from "./media-parameters.ts";
import { openMedia } from "./open-media.ts";

/** What an answer says of the method. */
export interface MediaMethod {
  readonly method: string;
  readonly exact: boolean;
}

/** Explains a text, a picture or a sound by an estimator. @throws ApiError */
export async function planMedia(
  estimator: Estimator,
  request: ExplanationRequest<MediaParameters>,
  method: MediaMethod = { method: estimator.name, exact: estimator.exact },
): Promise<PlannedExplanation> {
  return planOpened(
    estimator,
    await openMedia(request, estimator.name !== "occlusion"),
    request,
    method,
  );
}

export function planOpened(
  estimator: Estimator,
  input: MediaInput,
  request: ExplanationRequest<MediaParameters>,
  { method, exact }: MediaMethod,
): PlannedExplanation {
  const { game, space, outputs, featureNames, data, openedRuns } = input;
  const { version, seed, limit } = request;
  const least = 1 + (estimator.minCoalitions(game.players) - 1) * game.runsPerCoalition;
  const maxRuns =
    request.maxRuns === undefined
      ? Math.max(least, input.defaultRuns)
      : Math.max(0, request.maxRuns - openedRuns);
  const planned = planCoalitions(estimator, game.players, game.runsPerCoalition, {
    maxRuns: Math.min(maxRuns, limit),
    limit,
  });
  const { maxCoalitions } = planned;
  return {
    space,
    runs: openedRuns + planned.runs,
    async explain() {
      const found = await estimator.estimate(game, {
        maxCoalitions,
        random: createSeededRandom(seed),
        checkpoint: () => version.call.checkpoint(),
      });
      const explain = (chosen: typeof outputs, pick: (numbers: Float64Array) => Float64Array) => {
        const explanation = toExplanation({
          method,
          exact,
          space,
          outputs: chosen,
          featureNames,
          data,
          base: pick(found.base),
          output: pick(found.full),
          values: pick(found.values),
          standardErrors: found.standardErrors && pick(found.standardErrors),
          runs: openedRuns + 1 + (found.coalitions - 1) * game.runsPerCoalition,
          ...(!exact && { seed }),
        });
        return { ...explanation, ...input.place(explanation.values as PlayerValues) };
      };
      if (!input.separate) return explain(outputs, (numbers) => numbers);
      const width = outputs.names.length;
      return input.separate(
        outputs.names.map((name, at) =>
          explain({ indices: [0], names: [name], isList: false }, (numbers) =>
            numbers.filter((_, index) => index % width === at),
          ),
        ),
      );
    },
  };
}
