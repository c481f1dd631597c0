import type { Manifest } from "../../domain/manifest.ts";
import type { Picture } from "./picture.ts";

/** Red, green and blue of a picture's area, as the model reads it, from 0 to 255; rows from the top. */
export function toLevels(picture: Picture, { preprocess }: Manifest): Uint8Array {
  const { area, width, channels, channelStep, pixelStep, values } = picture;
  const { places, levelOf } =
    preprocess?.type === "image" ? ofImage(preprocess, values) : ofNumbers(channels, values);
  const levels = new Uint8Array(area.width * area.height * 3);
  let target = 0;
  for (let y = area.top; y < area.top + area.height; y++)
    for (let x = area.left; x < area.left + area.width; x++)
      for (const place of places) {
        const value = values[(y * width + x) * pixelStep + place * channelStep] as number;
        levels[target++] = Math.min(Math.max(Math.round(levelOf(value, place)), 0), 255);
      }
  return levels;
}

interface Levels {
  /** The channels of red, green and blue. */
  readonly places: readonly [number, number, number];
  levelOf(value: number, channel: number): number;
}

type ImageBlock = Extract<NonNullable<Manifest["preprocess"]>, { readonly type: "image" }>;

function ofImage(
  { color, scale = 1, mean = [0], std = [1] }: ImageBlock,
  values: Picture["values"],
): Levels {
  const places = ({ RGB: [0, 1, 2], BGR: [2, 1, 0], GRAY: [0, 0, 0] } as const)[color];
  if (values instanceof Uint8Array) return { places, levelOf: (value) => value };
  return {
    places,
    levelOf(value, channel) {
      // `mean` and `std` are in the order of the channels, or one for all.
      const shift = mean[channel] ?? mean[0];
      return (value * (std[channel] ?? std[0]) + shift) / scale;
    },
  };
}

/** Numbers without a unit: from the least, black, to the greatest, white. */
function ofNumbers(channels: number, values: Picture["values"]): Levels {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const range = most > least ? most - least : 1;
  return {
    places: channels === 1 ? [0, 0, 0] : [0, 1, 2],
    levelOf: (value) => (255 * (value - least)) / range,
  };
}
