import { channelsOf, type ImageBlock, imageSize } from "../../domain/blocks/preprocess/image.ts";
import { ApiError } from "../../domain/errors.ts";
import { roundHalfToEven } from "../../shared/round-half-to-even.ts";
import { type Raster, toGrey } from "./raster.ts";
import { type Box, resample } from "./resample.ts";

/** Maps coordinates of the image to those of the model's input: model = image * scale + offset, in pixels. */
export interface Placement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

export interface FittedImage {
  /** Rows from the top, pixels of one byte (grey) or three (red, green, blue). */
  readonly levels: Uint8Array;
  readonly placement: Placement;
}

/** Limit of the longer side of a scaled image, although only its middle is computed: the filter `nearest` counts up to it. */
const MAX_SCALED_SIDE = 10_000_000;

/** Scales, crops and pads an image as the block says. */
export function fitImage(image: Raster, block: ImageBlock): FittedImage {
  const { resize, color } = block;
  const frame = imageSize(block);
  const channels = channelsOf(block);
  const source = color === "GRAY" ? toGrey(image) : image;
  const scaled = scaledSize(image, resize);
  if (Math.max(scaled.width, scaled.height) > MAX_SCALED_SIDE)
    throw new ApiError(
      "invalid_input",
      `An image of ${image.width} x ${image.height} pixels is too narrow for this model, which would scale it to ${scaled.width} x ${scaled.height}.`,
      { details: { width: image.width, height: image.height, maxScaledSide: MAX_SCALED_SIDE } },
    );
  const part = visiblePart(scaled, frame);
  const levels = resample(source, channels, resize.filter, scaled.width, scaled.height, part);
  // As ImageOps.pad of Pillow: half of the space, rounded.
  const isAtCorner = resize.mode === "letterbox" && resize.position === "top-left";
  const padX = isAtCorner ? 0 : roundHalfToEven((frame.width - part.width) / 2);
  const padY = isAtCorner ? 0 : roundHalfToEven((frame.height - part.height) / 2);
  const placement = {
    scaleX: scaled.width / image.width,
    scaleY: scaled.height / image.height,
    offsetX: padX - part.left,
    offsetY: padY - part.top,
  };
  if (resize.mode !== "letterbox") return { levels, placement };
  const [red, green, blue] = resize.background;
  const background =
    channels === 3
      ? [red, green, blue]
      : [(red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16];
  return { levels: pad(levels, part, frame, padX, padY, background), placement };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of the whole image after scaling. */
function scaledSize({ width, height }: Size, resize: ImageBlock["resize"]): Size {
  switch (resize.mode) {
    case "exact":
      return { width: resize.width, height: resize.height };
    case "shortest-edge": {
      const { size } = resize;
      // torchvision's Resize(size): the longer edge is rounded down.
      if (width <= height) return { width: size, height: Math.trunc((size * height) / width) };
      return { width: Math.trunc((size * width) / height), height: size };
    }
    case "letterbox": {
      // ImageOps.contain of Pillow: the edge that does not fill the frame is rounded to the nearest.
      const [ratio, frameRatio] = [width / height, resize.width / resize.height];
      if (ratio > frameRatio)
        return {
          width: resize.width,
          height: Math.max(1, roundHalfToEven((height / width) * resize.width)),
        };
      if (ratio < frameRatio)
        return {
          width: Math.max(1, roundHalfToEven((width / height) * resize.height)),
          height: resize.height,
        };
      return { width: resize.width, height: resize.height };
    }
  }
}

/** The centre of a scaled image, where it is larger than the frame: torchvision's CenterCrop. */
function visiblePart(scaled: Size, frame: Size): Box {
  const cut = (length: number, wanted: number): number =>
    Math.max(0, roundHalfToEven((length - wanted) / 2));
  return {
    left: cut(scaled.width, frame.width),
    top: cut(scaled.height, frame.height),
    width: Math.min(scaled.width, frame.width),
    height: Math.min(scaled.height, frame.height),
  };
}

function pad(
  levels: Uint8Array,
  part: Size,
  frame: Size,
  left: number,
  top: number,
  background: readonly number[],
): Uint8Array {
  const channels = background.length;
  const row = Uint8Array.from(
    { length: frame.width * channels },
    (_, index) => background[index % channels] as number,
  );
  const padded = new Uint8Array(row.length * frame.height);
  for (let y = 0; y < frame.height; y++) padded.set(row, y * row.length);
  const rowBytes = part.width * channels;
  for (let y = 0; y < part.height; y++)
    padded.set(
      levels.subarray(y * rowBytes, (y + 1) * rowBytes),
      (top + y) * row.length + left * channels,
    );
  return padded;
}
