import type { Corners } from "../non-maximum-suppression.ts";

/** A box that is turned around its centre, in pixels; the angle is clockwise, in radians. */
export interface RotatedBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

export function toRotatedBox([xmin, ymin, xmax, ymax]: Corners, angle: number): RotatedBox {
  return {
    x: (xmin + xmax) / 2,
    y: (ymin + ymax) / 2,
    width: xmax - xmin,
    height: ymax - ymin,
    angle,
  };
}

/** Its corners, the first of which is the lower right one of a box that is not turned, then counterclockwise. */
export function cornersOfRotated({
  x,
  y,
  width,
  height,
  angle,
}: RotatedBox): readonly (readonly [number, number])[] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [
    [width / 2, height / 2],
    [width / 2, -height / 2],
    [-width / 2, -height / 2],
    [-width / 2, height / 2],
  ].map(([along = 0, across = 0]) => [
    x + along * cosine - across * sine,
    y + along * sine + across * cosine,
  ]);
}

/** Keeps logarithms and quotients of empty boxes finite. */
const EPSILON = 1e-7;

/**
 * The overlap of two boxes as Gaussian distributions: one minus their Hellinger distance.
 * Source: Llerena et al., Gaussian Bounding Boxes and Probabilistic Intersection-over-Union (2021), equations 8 to 16.
 */
export function probabilisticOverlap(first: RotatedBox, second: RotatedBox): number {
  const [a1, b1, c1] = covarianceOf(first);
  const [a2, b2, c2] = covarianceOf(second);
  const [a, b, c] = [a1 + a2, b1 + b2, c1 + c2];
  const [dx, dy] = [first.x - second.x, first.y - second.y];
  const determinant = a * b - c * c + EPSILON;
  const distance = (a * dy * dy + b * dx * dx) / determinant / 4 + (c * -dx * dy) / determinant / 2;
  const determinants = Math.max(0, a1 * b1 - c1 * c1) * Math.max(0, a2 * b2 - c2 * c2);
  const shape = Math.log((a * b - c * c) / (4 * Math.sqrt(determinants) + EPSILON) + EPSILON) / 2;
  const bhattacharyya = Math.min(Math.max(distance + shape, EPSILON), 100);
  return 1 - Math.sqrt(1 - Math.exp(-bhattacharyya) + EPSILON);
}

/** Variances along x and y, and their covariance, of the uniform distribution over a box. */
function covarianceOf({ width, height, angle }: RotatedBox): [number, number, number] {
  const [along, across] = [(width * width) / 12, (height * height) / 12];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [
    along * cosine * cosine + across * sine * sine,
    along * sine * sine + across * cosine * cosine,
    (along - across) * cosine * sine,
  ];
}
