import { describe, expect, test } from "vitest";
import { imageFormat, readImageHeader } from "../../../../src/tasks/image/read-image-header.ts";
import { expectedImages, readImage } from "../../../support/images.ts";

const header = (file: Uint8Array) => readImageHeader(file, "inputs");

describe("the header has the size that Pillow reads", () => {
  // Rotated images are stored with width and height swapped.
  test.each(expectedImages.decoded)("$file", ({ file, width, height }) => {
    const { orientation, ...stored } = header(readImage(file));
    expect(stored).toMatchObject(
      orientation < 5 ? { width, height } : { width: height, height: width },
    );
  });
});

test.each([
  ["coffee.jpg", "jpeg", 4.2],
  ["grey.jpg", "jpeg", 4.2],
  ["progressive.jpg", "jpeg", 7.35],
  ["grey.png", "png", 5.3],
  ["rgb.png", "png", 9.3],
  ["palette.png", "png", 9.3],
  ["grey-alpha.png", "png", 6.3],
  ["alpha.png", "png", 4.3],
  ["chelsea.webp", "webp", 5],
  ["lossy-alpha.webp", "webp", 8],
  ["lossless.webp", "webp", 9],
])("the memory that a decoder needs for %s is the measured one", (file, format, bytes) => {
  const { bytesPerPixel, ...rest } = header(readImage(file));
  expect(rest.format).toBe(format);
  expect(bytesPerPixel).toBeCloseTo(bytes, 5);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i is read from EXIF", (orientation) => {
  expect(header(readImage(`orientation-${orientation}.jpg`)).orientation).toBe(orientation);
});

test("invalid EXIF data are ignored", () => {
  const file = readImage("orientation-6.jpg");
  const exif = Buffer.from(file).indexOf("Exif\0\0");
  for (const [at, value] of [
    [6, 0x58],
    [10, 0xff],
    [13, 0xff],
    [14, 0xff],
  ] as const) {
    const changed = file.slice();
    changed[exif + at] = value;
    expect([1, 6]).toContain(header(changed).orientation);
    expect(header(changed)).toMatchObject({ width: 32, height: 24 });
  }
});

test("every truncated file is refused, unless its header is complete", () => {
  for (const name of ["orientation-6.jpg", "orientation-6.webp", "palette.png"]) {
    const file = readImage(name);
    const whole = header(file);
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      try {
        const { width, height } = header(cut);
        expect([width, height]).toEqual([whole.width, whole.height]);
      } catch (error) {
        expect(error).toMatchObject({
          code: imageFormat(cut) ? "invalid_input" : "unsupported_media_type",
        });
      }
    }
  }
});
