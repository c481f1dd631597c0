import type { MediaParameters } from "../media/media-parameters.ts";
import type { Picture, PictureValues } from "./picture.ts";

/** Of the shorter side, the standard deviation of the blur: half a cell of a grid of seven. */
const BLUR_OF_SIDE = 1 / 14;
/** Standard deviations to either side, as `scipy.ndimage.gaussian_filter`. */
const TRUNCATE = 4;

/**
 * What stands for parts of a picture that are left out.
 * @param checkpoint awaited between two pieces of work
 */
export async function fillPicture(
  picture: Picture,
  fill: NonNullable<MediaParameters["fill"]>,
  checkpoint: () => Promise<void>,
): Promise<PictureValues> {
  const filled = picture.values.slice() as PictureValues;
  for (let channel = 0; channel < picture.channels; channel++) {
    const plane = readPlane(picture, channel);
    writePlane(picture, channel, fill === "mean" ? meanOf(plane) : blur(plane, picture), filled);
    await checkpoint();
  }
  return filled;
}

/** A channel of the picture's area. */
function readPlane(picture: Picture, channel: number): Float64Array {
  const { area, width, pixelStep, channelStep, values } = picture;
  const plane = new Float64Array(area.width * area.height);
  let at = 0;
  for (let y = area.top; y < area.top + area.height; y++)
    for (let x = area.left; x < area.left + area.width; x++)
      plane[at++] = values[channel * channelStep + (y * width + x) * pixelStep] as number;
  return plane;
}

function writePlane(picture: Picture, channel: number, plane: Float64Array, into: PictureValues) {
  const { area, width, pixelStep, channelStep } = picture;
  const isWhole = into instanceof Uint8Array;
  let at = 0;
  for (let y = area.top; y < area.top + area.height; y++)
    for (let x = area.left; x < area.left + area.width; x++) {
      const value = plane[at++] as number;
      into[channel * channelStep + (y * width + x) * pixelStep] = isWhole
        ? Math.round(value)
        : value;
    }
}

function meanOf(plane: Float64Array): Float64Array {
  let sum = 0;
  for (const value of plane) sum += value;
  return new Float64Array(plane.length).fill(sum / plane.length);
}

/** A Gaussian blur; beyond its edges the picture goes on as at them. */
function blur(plane: Float64Array, { area: { width, height } }: Picture): Float64Array {
  const sigma = Math.min(width, height) * BLUR_OF_SIDE;
  const reach = Math.floor(TRUNCATE * sigma + 0.5);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, at) =>
    Math.exp(-0.5 * ((at - reach) / sigma) ** 2),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const kernel = weights.map((weight) => weight / sum);
  const down = filterLines(
    plane,
    { count: width, step: 1 },
    { length: height, step: width },
    kernel,
  );
  return filterLines(down, { count: height, step: width }, { length: width, step: 1 }, kernel);
}

function filterLines(
  plane: Float64Array,
  lines: { readonly count: number; readonly step: number },
  { length, step }: { readonly length: number; readonly step: number },
  kernel: Float64Array,
): Float64Array {
  const reach = (kernel.length - 1) / 2;
  const filtered = new Float64Array(plane.length);
  for (let line = 0; line < lines.count; line++)
    for (let at = 0; at < length; at++) {
      let sum = 0;
      for (let tap = 0; tap < kernel.length; tap++) {
        const from = Math.min(Math.max(at + tap - reach, 0), length - 1);
        sum += (kernel[tap] as number) * (plane[line * lines.step + from * step] as number);
      }
      filtered[line * lines.step + at * step] = sum;
    }
  return filtered;
}
