import { ApiError } from "../../domain/errors.ts";
import type { Detection } from "../../tasks/image/object-detection-postprocessor.ts";
import { type ChosenOutputs, chooseOutputs } from "../choose-outputs.ts";
import type { VersionBlocks } from "../explained-version.ts";
import type { Coalition, Game } from "../game.ts";
import { createItemReader, type ReadItem } from "../media/item-reader.ts";
import type { MediaInput, PlayerValues } from "../media/media-input.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import { type Reading, readScores } from "../media/reading.ts";
import type { ExplanationRequest } from "../method.ts";
import { readDetections } from "./detection-reading.ts";
import { fillPicture } from "./fill-picture.ts";
import {
  type Picture,
  type PictureForm,
  type PictureValues,
  toPicture,
  toTensor,
} from "./picture.ts";
import { checkMapSize, gridParts, type PictureParts, toMap } from "./picture-parts.ts";
import { superpixels } from "./superpixels.ts";

/** Runs of a sampled method: half a minute of a large model. */
const DEFAULT_RUNS = 300;
const DEFAULT_SEGMENTS = 40;

/** A picture, and what the model says of it. */
export interface OpenedPicture {
  readonly picture: Picture;
  /** What stands for what is left out. */
  readonly filled: PictureValues;
  readonly reading: Reading;
  /** Of a picture in which objects are detected, by output. */
  readonly found: readonly Detection[] | undefined;
  readonly outputs: ChosenOutputs;
  /** Runs the model for the picture with other values. */
  value(values: PictureValues): Promise<Float64Array>;
}

/** Decodes a picture once; what is run later has the size of the model's input. */
export async function readPicture(
  form: PictureForm,
  request: ExplanationRequest<MediaParameters>,
  blocks: VersionBlocks,
): Promise<OpenedPicture> {
  const { version, inputs, output, parameters } = request;
  const whole = await createItemReader(version, blocks).read(inputs);
  const picture = toPicture(form, whole);
  const isDetection = version.model.manifest.postprocess?.type === "object-detection";
  const detections = isDetection ? await readDetections(request, blocks, whole) : undefined;
  const reading = detections?.reading ?? (await readScores(version, request.space, whole));
  const wanted = isDetection && output === undefined ? "all" : output;
  const outputs = chooseOutputs(wanted, reading.names, reading.predicted);
  const filled = await fillPicture(picture, parameters.fill ?? "blur", () =>
    version.call.checkpoint(),
  );
  return {
    picture,
    filled,
    reading,
    found: detections?.found,
    outputs,
    async value(values) {
      const item: ReadItem = { ...whole, tensors: [toTensor(picture, values)] };
      const all = await reading.value(item);
      return Float64Array.from(outputs.indices, (place) => all[place] ?? 0);
    },
  };
}

/** A picture as a game: its cells or superpixels are the players. */
export async function openPicture(
  form: PictureForm,
  request: ExplanationRequest<MediaParameters>,
  blocks: VersionBlocks,
  inSegments: boolean,
): Promise<MediaInput> {
  const opened = await readPicture(form, request, blocks);
  const { picture, outputs, reading } = opened;
  const parts = toParts(picture, request.parameters, inSegments);
  checkMapSize(parts.points.length * outputs.indices.length);
  return {
    game: createPictureGame(opened, parts),
    space: reading.space,
    outputs,
    featureNames: parts.names,
    data: parts.names.map(() => null),
    openedRuns: 0,
    defaultRuns: DEFAULT_RUNS,
    place: (values: PlayerValues) => toMap(parts, picture, values),
    ...separated(opened),
  };
}

function toParts(
  picture: Picture,
  { grid, segments }: MediaParameters,
  inSegments: boolean,
): PictureParts {
  if (grid && segments !== undefined)
    throw new ApiError(
      "invalid_request",
      '"grid" and "segments" are two ways to divide a picture: send one of them.',
      { details: { field: "segments" } },
    );
  if (segments !== undefined) return superpixels(picture, segments);
  return inSegments && !grid ? superpixels(picture, DEFAULT_SEGMENTS) : gridParts(picture, grid);
}

function createPictureGame(
  { picture, filled, reading, outputs, value }: OpenedPicture,
  { partOf, count }: PictureParts,
): Game {
  const { values, channels, channelStep, pixelStep } = picture;
  const width = outputs.indices.length;

  const without = (coalition: Coalition): PictureValues => {
    const left = values.slice() as PictureValues;
    for (const [pixel, part] of partOf.entries()) {
      if (part < 0 || coalition[part] === 1) continue;
      for (let channel = 0; channel < channels; channel++) {
        const at = pixel * pixelStep + channel * channelStep;
        left[at] = filled[at] as number;
      }
    }
    return left;
  };

  return {
    players: count,
    outputs: width,
    runsPerCoalition: 1,
    async evaluate(coalitions) {
      const found = new Float64Array(coalitions.length * width);
      for (const [at, coalition] of coalitions.entries()) {
        const isWhole = coalition.every((known) => known === 1);
        const numbers = isWhole
          ? outputs.indices.map((place) => reading.full[place] ?? 0)
          : await value(without(coalition));
        found.set(numbers, at * width);
      }
      return found;
    },
  };
}

/** An explanation for each box that was detected. */
export function separated({
  found,
  outputs,
}: Pick<OpenedPicture, "found" | "outputs">): Pick<MediaInput, "separate"> {
  if (!found) return {};
  const describe = (explanation: object, at: number): object => {
    const { label, box } = found[outputs.indices[at] ?? 0] as Detection;
    return { ...explanation, label, box };
  };
  return {
    separate(explanations) {
      if (!outputs.isList) return describe(explanations[0] ?? {}, 0);
      const { method, exact, space, runs, seed } = Object(explanations[0]);
      const own = explanations.map(describe);
      return { method, exact, space, output_names: outputs.names, explanations: own, runs, seed };
    },
  };
}
