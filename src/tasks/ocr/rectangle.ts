/** A place in an image, in pixels. */
export type Point = readonly [x: number, y: number];

/** Corners clockwise from the top left. */
export type Quadrilateral = readonly [Point, Point, Point, Point];

/** A rectangle of any direction. */
export interface Rectangle {
  readonly corners: Quadrilateral;
  /** Of the shorter side. */
  readonly shortSide: number;
}

/**
 * The rectangle of the smallest area around points, as OpenCV's `minAreaRect`: one of its sides lies on a side of their hull.
 * @param points at least one
 */
export function smallestRectangle(points: readonly Point[]): Rectangle {
  const hull = convexHull(points);
  let best: { readonly area: number; readonly along: Point; readonly bounds: Bounds } | undefined;
  for (const [index, from] of hull.entries()) {
    const to = hull[(index + 1) % hull.length] as Point;
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const along: Point =
      length === 0 ? [1, 0] : [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
    const bounds = boundsAlong(hull, along);
    const area = (bounds.right - bounds.left) * (bounds.bottom - bounds.top);
    if (!best || area < best.area) best = { area, along, bounds };
  }
  if (!best) throw new Error("a rectangle of no points");
  return toRectangle(best.along, best.bounds);
}

/** A rectangle whose sides are further out, as the smallest rectangle around pyclipper's rounded offset of it. */
export function growRectangle({ corners }: Rectangle, distance: number): Rectangle {
  const [topLeft, topRight] = corners;
  const length = distanceOf(topLeft, topRight);
  const along: Point =
    length === 0
      ? [1, 0]
      : [(topRight[0] - topLeft[0]) / length, (topRight[1] - topLeft[1]) / length];
  const { left, top, right, bottom } = boundsAlong(corners, along);
  return toRectangle(along, {
    left: left - distance,
    top: top - distance,
    right: right + distance,
    bottom: bottom + distance,
  });
}

export function distanceOf(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** By a direction and the one across it. */
interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function boundsAlong(points: readonly Point[], [dx, dy]: Point): Bounds {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    const along = x * dx + y * dy;
    const across = y * dx - x * dy;
    left = Math.min(left, along);
    right = Math.max(right, along);
    top = Math.min(top, across);
    bottom = Math.max(bottom, across);
  }
  return { left, top, right, bottom };
}

function toRectangle([dx, dy]: Point, { left, top, right, bottom }: Bounds): Rectangle {
  const place = (along: number, across: number): Point => [
    along * dx - across * dy,
    along * dy + across * dx,
  ];
  const corners = [place(left, top), place(right, top), place(right, bottom), place(left, bottom)];
  return {
    corners: inOrder(corners),
    shortSide: Math.min(right - left, bottom - top),
  };
}

/** The top left corner has the smallest sum of coordinates, the top right one the smallest difference of y and x, as PaddleOCR. */
function inOrder(corners: readonly Point[]): Quadrilateral {
  const bySum = corners.toSorted((p, q) => p[0] + p[1] - (q[0] + q[1]));
  const [topLeft, ...rest] = bySum as [Point, Point, Point, Point];
  const bottomRight = rest[2];
  const [topRight, bottomLeft] = rest.slice(0, 2).sort((p, q) => p[1] - p[0] - (q[1] - q[0])) as [
    Point,
    Point,
  ];
  return [topLeft, topRight, bottomRight, bottomLeft];
}

/** Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (from: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of from) {
      while (chain.length > 1 && !turnsLeft(chain.at(-2) as Point, chain.at(-1) as Point, point))
        chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  const hull = [...half(sorted), ...half(sorted.toReversed())];
  return hull.length > 0 ? hull : sorted.slice(0, 1);
}

function turnsLeft(a: Point, b: Point, c: Point): boolean {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0;
}
