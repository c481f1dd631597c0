import { ApiError } from "../../domain/errors.ts";
import { createSeededRandom } from "../../shared/random.ts";
import type { VersionBlocks } from "../explained-version.ts";
import type { PlayerValues } from "../media/media-input.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import { WITHOUT_BACKGROUND } from "../media/plan-media.ts";
import type { ExplanationRequest, PlannedExplanation } from "../method.ts";
import { refuseBackground } from "../table/background.ts";
import { toExplanation } from "../to-explanation.ts";
import type { Picture, PictureForm, PictureValues } from "./picture.ts";
import { type OpenedPicture, readPicture, separated } from "./picture-input.ts";
import { checkMapSize, gridParts, type PictureParts, toMap } from "./picture-parts.ts";
import { RiseSamples } from "./rise-map.ts";
import { createMasks } from "./rise-masks.ts";

export type RiseParameters = MediaParameters & {
  /** How alike the maps of the halves of the masks must be. */
  readonly settled_at: number;
};

const CELLS = 7;
/** Points of a side of the map, at most. */
const POINTS = 28;
/** Without `max_runs`: a minute of a large model. */
const DEFAULT_MASKS = 500;
/** What is kept of them takes some megabytes. */
const MAX_MASKS = 4000;
const MIN_MASKS = 20;
/** The halves are compared after so many, and again after as many more. */
const MASKS_PER_CHECK = 50;
const MIN_SETTLED = 100;

/** Of the whole picture, and of the picture with nothing shown. */
const KNOWN_RUNS = 2;

export async function planRise(
  form: PictureForm,
  request: ExplanationRequest<RiseParameters>,
  blocks: VersionBlocks,
): Promise<PlannedExplanation> {
  refuseBackground(WITHOUT_BACKGROUND, request);
  const masks = countMasks(request);
  const opened = await readPicture(form, request, blocks);
  const { area } = opened.picture;
  const points = gridParts(opened.picture, [
    Math.min(POINTS, area.height),
    Math.min(POINTS, area.width),
  ]);
  checkMapSize(points.count * opened.outputs.indices.length);
  return {
    space: opened.reading.space,
    runs: KNOWN_RUNS + masks,
    explain: () => explain(opened, points, masks, request),
  };
}

function countMasks({ maxRuns, limit }: ExplanationRequest): number {
  const wanted = Math.min(maxRuns ?? DEFAULT_MASKS + KNOWN_RUNS, limit) - KNOWN_RUNS;
  if (wanted >= MIN_MASKS) return Math.min(wanted, MAX_MASKS);
  const needed = MIN_MASKS + KNOWN_RUNS;
  throw new ApiError(
    "invalid_request",
    `The method rise needs ${needed} runs of the model at least, and may take ${wanted + KNOWN_RUNS}: raise "max_runs".`,
    { details: { field: "max_runs", needed, limit: wanted + KNOWN_RUNS } },
  );
}

async function explain(
  opened: OpenedPicture,
  points: PictureParts,
  masks: number,
  { version, seed, parameters }: ExplanationRequest<RiseParameters>,
): Promise<object> {
  const { picture, filled, outputs, reading } = opened;
  const { area } = picture;
  const checkpoint = () => version.call.checkpoint();
  const grid = parameters.grid ?? [Math.min(CELLS, area.height), Math.min(CELLS, area.width)];
  const nextMask = createMasks(area, grid, createSeededRandom(seed));
  const base = await opened.value(filled);
  const samples = new RiseSamples(points.count, outputs.indices.length);
  let isSettled = false;
  while (samples.count < masks && !isSettled) {
    const mask = nextMask();
    samples.add(shownOf(mask, picture, points), await opened.value(blend(picture, filled, mask)));
    const { count } = samples;
    if (count >= MIN_SETTLED && count % MASKS_PER_CHECK === 0)
      isSettled = (await samples.agreement(checkpoint)) >= parameters.settled_at;
  }
  const map = await samples.toMap(checkpoint);
  const answer = (chosen: typeof outputs, at: number, width: number): object => {
    const pick = (numbers: Float64Array) =>
      numbers.filter((_, index) => chosen.isList || index % width === at);
    const explanation = toExplanation({
      method: "rise",
      exact: false,
      space: reading.space,
      outputs: chosen,
      featureNames: points.names,
      data: points.names.map(() => null),
      base: pick(base),
      output: pick(Float64Array.from(outputs.indices, (place) => reading.full[place] ?? 0)),
      values: pick(map.values),
      standardErrors: pick(map.standardErrors),
      runs: KNOWN_RUNS + samples.count,
      seed,
    });
    const places = toMap(points, picture, explanation.values as PlayerValues);
    return { ...explanation, settled: isSettled, ...places };
  };
  const { separate } = separated(opened);
  if (!separate) return answer(outputs, 0, 1);
  const { names } = outputs;
  return separate(
    names.map((name, at) =>
      answer({ indices: [0], names: [name], isList: false }, at, names.length),
    ),
  );
}

/** The picture where the mask shows it, and what stands for it elsewhere. */
function blend(picture: Picture, filled: PictureValues, mask: Float32Array): PictureValues {
  const { area, width, channels, channelStep, pixelStep, values } = picture;
  const blended = values.slice() as PictureValues;
  const isWhole = blended instanceof Uint8Array;
  for (let y = 0; y < area.height; y++)
    for (let x = 0; x < area.width; x++) {
      const share = mask[y * area.width + x] as number;
      const pixel = ((area.top + y) * width + area.left + x) * pixelStep;
      for (let channel = 0; channel < channels; channel++) {
        const at = pixel + channel * channelStep;
        const value = share * (values[at] as number) + (1 - share) * (filled[at] as number);
        blended[at] = isWhole ? Math.round(value) : value;
      }
    }
  return blended;
}

/** How far a mask shows the points of the map. */
function shownOf(
  mask: Float32Array,
  { area, width }: Picture,
  { partOf, count }: PictureParts,
): Float32Array {
  const sums = new Float32Array(count);
  const pixels = new Float32Array(count);
  for (let y = 0; y < area.height; y++)
    for (let x = 0; x < area.width; x++) {
      const point = partOf[(area.top + y) * width + area.left + x] as number;
      sums[point] = (sums[point] as number) + (mask[y * area.width + x] as number);
      pixels[point] = (pixels[point] as number) + 1;
    }
  return sums.map((sum, point) => sum / (pixels[point] as number));
}
