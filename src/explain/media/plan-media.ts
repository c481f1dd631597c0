import { createSeededRandom } from "../../shared/random.ts";
import type { Estimate, Estimator } from "../estimator.ts";
import type { ExplanationRequest, PlannedExplanation } from "../method.ts";
import { planCoalitions, type RunLimits } from "../plan-coalitions.ts";
import { refuseBackground } from "../table/background.ts";
import { toExplanation } from "../to-explanation.ts";
import { checkReadTokens, type MediaInput, type PlayerValues } from "./media-input.ts";
import type { MediaParameters } from "./media-parameters.ts";
import { openMedia } from "./open-media.ts";

/** What the game of a text, a picture or a recording is explained by. */
export interface MediaMethod {
  readonly name: string;
  /** By the number of players. @throws ApiError `invalid_request` for too many of them */
  estimator(players: number): Estimator;
  /** Whether a picture is divided into superpixels and not into cells, when the request does not say. */
  readonly inSegments: boolean;
}

/** Why a request about parts has no background rows. */
export const WITHOUT_BACKGROUND =
  "parts of texts, pictures and recordings are removed or filled, and not replaced by those of other inputs";
/** Numbers of all coalitions of a sampled method, of 8 bytes each. */
const MAX_KEPT = 2_000_000;

/** Explains a text, a picture or a recording by its parts. @throws ApiError */
export async function planMedia(
  method: MediaMethod,
  request: ExplanationRequest<MediaParameters>,
): Promise<PlannedExplanation> {
  refuseBackground(WITHOUT_BACKGROUND, request);
  const input = await openMedia(request, method.inSegments);
  const { game, openedRuns, space } = input;
  const estimator = method.estimator(game.players);
  const { maxCoalitions, runs } = planCoalitions(
    estimator,
    game.players,
    game.runsPerCoalition,
    runsOf(input, estimator, request),
  );
  checkReadTokens(input, runs);
  return {
    space,
    runs: openedRuns + runs,
    async explain() {
      const found = await estimator.estimate(game, {
        maxCoalitions,
        random: createSeededRandom(request.seed),
        checkpoint: () => request.version.call.checkpoint(),
      });
      return toAnswer(method, estimator, input, found, request.seed);
    },
  };
}

/** What of the runs is left for coalitions, which are kept with their values. */
function runsOf(
  { game, openedRuns, defaultRuns }: MediaInput,
  estimator: Estimator,
  { maxRuns, limit }: Pick<ExplanationRequest, "maxRuns" | "limit">,
): RunLimits {
  const { players, outputs } = game;
  const left = Math.max(0, limit - openedRuns);
  const least = estimator.minCoalitions(players);
  const wanted = maxRuns === undefined ? Math.max(least, defaultRuns) : maxRuns - openedRuns;
  const most = Math.max(least, Math.floor(MAX_KEPT / Math.max(outputs, players / 8)));
  return {
    limit: left,
    maxRuns: Math.min(Math.max(0, wanted), left, most),
    advice: "Explain fewer parts (a shorter text, a coarser grid, longer windows) or fewer inputs",
  };
}

function toAnswer(
  { name }: MediaMethod,
  estimator: Estimator,
  { game, space, outputs, featureNames, data, openedRuns, place, separate }: MediaInput,
  found: Estimate,
  seed: number,
): object {
  const { exact = estimator.exact } = found;
  const runs = openedRuns + 1 + (found.coalitions - 1) * game.runsPerCoalition;
  const explain = (chosen: typeof outputs, pick: (numbers: Float64Array) => Float64Array) => {
    const explanation = toExplanation({
      method: name,
      exact,
      space,
      outputs: chosen,
      featureNames,
      data,
      base: pick(found.base),
      output: pick(found.full),
      values: pick(found.values),
      standardErrors: found.standardErrors && pick(found.standardErrors),
      runs,
      ...(!exact && { seed }),
    });
    return { ...explanation, ...place(explanation.values as PlayerValues) };
  };
  if (!separate) return explain(outputs, (numbers) => numbers);
  const width = outputs.names.length;
  return separate(
    outputs.names.map((output, at) =>
      explain({ indices: [0], names: [output], isList: false }, (numbers) =>
        numbers.filter((_, index) => index % width === at),
      ),
    ),
  );
}
