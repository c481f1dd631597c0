import type { ImageMetadata } from "./image-preprocessor.ts";

/** Maps a place in the model's input to the image, both in pixels. */
export function toImagePlace(
  x: number,
  y: number,
  { placement }: Pick<ImageMetadata, "placement">,
): readonly [x: number, y: number] {
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  return [(x - offsetX) / scaleX, (y - offsetY) / scaleY];
}
