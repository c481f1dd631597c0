import type { TextLine } from "../../domain/blocks/postprocess/text-lines.ts";
import type { Page } from "./read-page.ts";
import type { Quadrilateral } from "./rectangle.ts";

/** All of an image. */
export function wholeLine({
  width,
  height,
}: {
  readonly width: number;
  readonly height: number;
}): Quadrilateral {
  return [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];
}

/**
 * Where a line is in its image.
 * @param corners in pixels of the page in memory
 * @param isTurned whether it is upside down: the text begins at another corner
 */
export function placeLine(
  corners: Quadrilateral,
  { pixels, width, height }: Page,
  isTurned: boolean,
): Pick<TextLine, "box" | "polygon"> {
  const [scaleX, scaleY] = [width / pixels.width, height / pixels.height];
  const placed = corners.map(([x, y]): [number, number] => [x * scaleX, y * scaleY]);
  const [a, b, c, d] = placed as unknown as Quadrilateral;
  const polygon = isTurned ? [c, d, a, b] : [a, b, c, d];
  const [xs, ys] = [placed.map(([x]) => x), placed.map(([, y]) => y)];
  return {
    box: {
      xmin: Math.min(...xs),
      ymin: Math.min(...ys),
      xmax: Math.max(...xs),
      ymax: Math.max(...ys),
    },
    polygon: polygon.map(([x, y]) => [x, y]),
  };
}
