import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Media } from "../../../../src/domain/media.ts";
import { audioSize, imageSize } from "../../../../src/domain/statistics/media-size.ts";

const read = (...path: string[]) => readFileSync(projectPath("test", "fixtures", ...path));

// Sizes by Pillow 12: `Image.open(file).size`, before EXIF orientations.
describe.each([
  ["coffee.jpg", 300, 200],
  ["cmyk.jpg", 32, 24],
  ["orientation-6.jpg", 32, 24],
  ["astronaut.png", 120, 120],
  ["grey-16-bit.png", 32, 24],
  ["chelsea.webp", 301, 200],
  ["lossless.webp", 32, 24],
  ["alpha.webp", 32, 24],
  ["lossy-alpha.webp", 32, 24],
])("%s", (file, width, height) => {
  const bytes = read("images", file);
  const base64 = bytes.toString("base64");

  test("has the size of its header, as a body, as base64 and as a data URL", () => {
    const size = { bytes: bytes.length, width, height };
    expect(imageSize(new Media("image/*", new Uint8Array(bytes)))).toEqual(size);
    for (const text of [base64, `data:image/jpeg;base64,${base64}`]) {
      const measured = imageSize(text);
      expect(measured).toMatchObject({ width, height });
      // Padding is not looked at where a file is long.
      expect(Math.abs(measured.bytes - bytes.length)).toBeLessThanOrEqual(2);
    }
  });

  test("has no size when it is cut off, and fails nothing", () => {
    for (let length = 0; length < 30; length++)
      expect(imageSize(new Media("image/*", new Uint8Array(bytes.subarray(0, length))))).toEqual({
        bytes: length,
      });
  });
});

// Durations by soundfile 0.13.
test.each([
  ["mono-44100-24bit.wav", 0.6875056689342404],
  ["stereo-22050.wav", 1.3],
  ["two-sentences-16k.wav", 3.1076875],
])("%s has the duration of its header", (file, seconds) => {
  const bytes = read("audio", file);
  expect(audioSize(new Media("audio/wav", new Uint8Array(bytes)))).toEqual({
    bytes: bytes.length,
    seconds: expect.closeTo(seconds, 6),
  });
  expect(audioSize(bytes.toString("base64")).seconds).toBeCloseTo(seconds, 3);
});

test.each(["", "not base64!", "data:image/png", "AAAA", "/9j/4AAQSkZJRgABAQAAAQABAAD/"])(
  "%j has no size",
  (text) => {
    expect(imageSize(text)).not.toHaveProperty("width");
    expect(audioSize(text)).not.toHaveProperty("seconds");
  },
);

describe("a JPEG with fill bytes before its first segment", () => {
  // ITU T.81, B.1.1.2: any marker may have fill bytes of 0xFF before it.
  const jpeg = read("images", "coffee.jpg");
  const filled = (count: number): Media =>
    new Media(
      "image/jpeg",
      new Uint8Array(
        Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(count, 0xff), jpeg.subarray(2)]),
      ),
    );

  test("has the size of its header when they are few", () => {
    expect(imageSize(filled(100))).toMatchObject({ width: 300, height: 200 });
  });

  test("has no size when a file is made of them", () => {
    expect(imageSize(filled(100_000))).toEqual({ bytes: jpeg.length + 100_000 });
  });
});
