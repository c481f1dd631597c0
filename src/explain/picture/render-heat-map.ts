import { ApiError } from "../../domain/errors.ts";
import { encodePng } from "../../tasks/image/encode-png.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { createItemReader } from "../media/item-reader.ts";
import { openPictureBlocks } from "../media/open-media.ts";
import { heatColour } from "./heat-colours.ts";
import { type Picture, toPicture } from "./picture.ts";
import { toLevels } from "./picture-levels.ts";
import { digitsHeight, digitsWidth, drawDigits } from "./small-digits.ts";

export interface HeatMap {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: "image/png";
}

/** The picture is enlarged by whole numbers until its shorter side has as many pixels. */
const LEAST_SIDE = 320;
const MAX_SCALE = 64;
const LEGEND_HEIGHT = 46;
const BAR = { top: 12, height: 12, margin: 12 };
const WHITE = [255, 255, 255] as const;
const INK = [33, 37, 41] as const;
const DIGIT_SCALE = 1;

/** What is read of an answer. */
interface Mapped {
  readonly map?: {
    readonly rows: number;
    readonly columns: number;
    readonly values: readonly (readonly unknown[])[];
  };
  readonly explanations?: readonly Mapped[];
}

type Matrix = readonly (readonly number[])[];

/**
 * The map of an answer, laid over the picture that it explains as the model reads it: red where the output is higher for what is there,
 * blue where it is lower, with a legend. Of several objects, each point has the value that is furthest from 0.
 * @param answer of one picture
 * @throws ApiError `invalid_request` for an answer that is no map
 */
export async function renderHeatMap(
  answer: object,
  version: ExplainedVersion,
  inputs: unknown,
): Promise<HeatMap> {
  const matrix = matrixOf(answer);
  const { form, blocks } = await openPictureBlocks(version);
  const picture = toPicture(form, await createItemReader(version, blocks).read(inputs));
  const levels = toLevels(picture, version.model.manifest);
  await version.call.checkpoint();
  const { width, height, pixels } = paint(picture, levels, matrix);
  await version.call.checkpoint();
  return { body: encodePng(pixels, width, height), contentType: "image/png" };
}

function matrixOf(answer: object): Matrix {
  const { map, explanations }: Mapped = answer;
  const matrices = map ? [map.values] : (explanations ?? []).map((one) => one.map?.values);
  const [first, ...others] = matrices;
  if (Array.isArray(answer) || !first) throw noMap();
  if (first.some((row) => row.some(Array.isArray)))
    throw new ApiError(
      "invalid_request",
      "The explanation has a map of each output, and image/png is one picture: name one output instead of all.",
      { details: { field: "output" } },
    );
  return (first as Matrix).map((row, y) =>
    row.map((value, x) =>
      others.reduce((furthest, other) => {
        const there = Number(other?.[y]?.[x] ?? 0);
        return Math.abs(there) > Math.abs(furthest) ? there : furthest;
      }, value),
    ),
  );
}

function noMap(): ApiError {
  return new ApiError(
    "invalid_request",
    "image/png is the heat map of one picture: explain one picture by occlusion, rise, lime, kernel, permutation or shapley, or accept application/json.",
    { details: { valid: ["application/json"] } },
  );
}

function paint({ area }: Picture, levels: Uint8Array, matrix: Matrix) {
  const side = Math.min(area.width, area.height);
  const scale = Math.min(Math.max(1, Math.ceil(LEAST_SIDE / side)), MAX_SCALE);
  const width = area.width * scale;
  const top = area.height * scale;
  const height = top + LEGEND_HEIGHT;
  const pixels = new Uint8Array(width * height * 3).fill(255);
  const largest = matrix.flat().reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const rows = matrix.length;
  const columns = matrix[0]?.length ?? 1;
  for (let y = 0; y < top; y++) {
    const row = matrix[Math.floor(((y + 0.5) * rows) / top)] ?? [];
    for (let x = 0; x < width; x++) {
      const value = row[Math.floor(((x + 0.5) * columns) / width)] ?? 0;
      const from = (Math.floor(y / scale) * area.width + Math.floor(x / scale)) * 3;
      const colour = heatColour(largest > 0 ? value / largest : 0, levels, from);
      pixels.set(colour, (y * width + x) * 3);
    }
  }
  paintLegend(pixels, width, top, largest);
  return { width, height, pixels };
}

/** The colours of the least value, 0 and the greatest. */
function paintLegend(pixels: Uint8Array, width: number, top: number, largest: number): void {
  const length = width - 2 * BAR.margin;
  const barTop = top + BAR.top;
  for (let x = 0; x < length; x++) {
    const colour = heatColour(length > 1 ? (2 * x) / (length - 1) - 1 : 0, WHITE, 0);
    for (let y = barTop; y < barTop + BAR.height; y++)
      pixels.set(colour, (y * width + BAR.margin + x) * 3);
  }
  const shown = largest.toPrecision(2);
  const texts = [
    { text: `-${shown}`, at: 0 },
    { text: "0", at: 0.5 },
    { text: `+${shown}`, at: 1 },
  ];
  const textTop = barTop + BAR.height + 5;
  if (textTop + digitsHeight(DIGIT_SCALE) > top + LEGEND_HEIGHT) return;
  for (const { text, at } of texts) {
    const left = BAR.margin + Math.round(at * (length - digitsWidth(text, DIGIT_SCALE)));
    drawDigits({ text, left, top: textTop, scale: DIGIT_SCALE }, (x, y) => {
      if (x < width) pixels.set(INK, (y * width + x) * 3);
    });
  }
}
