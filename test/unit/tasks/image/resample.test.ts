import { describe, expect, test } from "vitest";
import { createRaster, toGrey } from "../../../../src/tasks/image/raster.ts";
import { type Filter, resample } from "../../../../src/tasks/image/resample.ts";
import { expectedImages, fromBase64, largestDifference } from "../../../support/images.ts";

/** Against Pillow, byte by byte: a part of a photograph, made smaller and larger. */

const { source, cases, grey } = expectedImages.resample;
const levels = fromBase64(source.levels);
const image = createRaster(levels, source.width, source.height, 3);

const whole = (width: number, height: number) => ({ left: 0, top: 0, width, height });

test.each(cases)("$filter to $width x $height is Pillow's", (expected) => {
  const { filter, width, height } = expected;
  const scaled = resample(image, 3, filter as Filter, width, height, whole(width, height));
  expect(largestDifference(scaled, fromBase64(expected.levels))).toBe(0);
});

test.each(grey)("$filter of a grey image is Pillow's", (expected) => {
  const { filter, width, height } = expected;
  const raster = toGrey(image);
  const scaled = resample(raster, 1, filter as Filter, width, height, whole(width, height));
  expect(largestDifference(scaled, fromBase64(expected.levels))).toBe(0);
});

test.each(cases.filter(({ width }) => width > 20))(
  "a part of $filter to $width x $height is that part of the whole",
  (expected) => {
    const { filter, width, height } = expected;
    const part = { left: 5, top: 2, width: 11, height: 4 };
    const cut = resample(image, 3, filter as Filter, width, height, part);
    const all = fromBase64(expected.levels);
    const rows = Array.from({ length: part.height }, (_, row) => {
      const start = ((part.top + row) * width + part.left) * 3;
      return [...all.subarray(start, start + part.width * 3)];
    });
    expect([...cut]).toEqual(rows.flat());
  },
);

test("pixels of four bytes are scaled as pixels of three", () => {
  const four = new Uint8Array(source.width * source.height * 4).fill(77);
  for (let pixel = 0; pixel < source.width * source.height; pixel++)
    four.set(levels.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  const raster = createRaster(four, source.width, source.height, 4);
  for (const { filter, width, height, levels: expected } of cases)
    expect(
      largestDifference(
        resample(raster, 3, filter as Filter, width, height, whole(width, height)),
        fromBase64(expected),
      ),
    ).toBe(0);
});

describe("an image with an EXIF orientation", () => {
  // What "the row 0 is the visual top" and so on of EXIF say, as the pixel where a visible one is stored.
  const { width: w, height: h } = source;
  const stored: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [w - 1 - x, y],
    3: (x, y) => [w - 1 - x, h - 1 - y],
    4: (x, y) => [x, h - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, h - 1 - x],
    7: (x, y) => [w - 1 - y, h - 1 - x],
    8: (x, y) => [w - 1 - y, x],
  };

  test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
    "is upright after orientation %i is applied",
    (way) => {
      const raster = createRaster(levels, w, h, 3, way);
      expect([raster.width, raster.height]).toEqual(way < 5 ? [w, h] : [h, w]);
      const { width, height } = raster;
      const seen = resample(raster, 3, "nearest", width, height, whole(width, height));
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [column, row] = stored[way]?.(x, y) ?? [0, 0];
          const at = (row * w + column) * 3;
          const pixel = (y * width + x) * 3;
          expect([...seen.subarray(pixel, pixel + 3)]).toEqual([...levels.subarray(at, at + 3)]);
        }
    },
  );
});
