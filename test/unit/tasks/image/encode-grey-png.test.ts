import { describe, expect, test } from "vitest";
import { encodeGreyPng } from "../../../../src/tasks/image/encode-grey-png.ts";
import { encodeMask } from "../../../../src/tasks/image/mask.ts";
import { readGreyLevels } from "../../../support/masks.ts";
import { createObservedDecoder } from "../../../support/observed-decoder.ts";

const levelAt = (x: number, y: number): number => (x * 7 + y * y * 3) % 256;

const encode = (width: number, height: number, checkpoint = async () => {}) =>
  encodeGreyPng(
    width,
    height,
    (y, row) => {
      for (let x = 0; x < width; x++) row[x] = levelAt(x, y);
    },
    checkpoint,
  );

describe("encodeGreyPng", () => {
  test.each([
    [1, 1],
    [3, 5],
    [300, 2],
    [640, 900],
  ])(
    "a file of %d x %d pixels has the levels of each row in the decoder",
    async (width, height) => {
      const { decodeImage } = createObservedDecoder();
      const image = await readGreyLevels(decodeImage, await encode(width, height));
      expect([image.width, image.height]).toEqual([width, height]);
      const expected = Uint8Array.from({ length: width * height }, (_, at) =>
        levelAt(at % width, Math.floor(at / width)),
      );
      expect(Buffer.from(image.levels).equals(Buffer.from(expected))).toBe(true);
    },
  );

  test("a large picture pauses between its rows, and a deadline ends it", async () => {
    let pauses = 0;
    await encode(1000, 1000, async () => {
      pauses += 1;
    });
    expect(pauses).toBe(3);
    const late = encode(1000, 1000, async () => {
      throw new Error("late");
    });
    await expect(late).rejects.toThrow("late");
  });
});

test("a mask is base64 of a PNG file of one grey channel", async () => {
  const mask = await encodeMask(
    2,
    1,
    (_, row) => row.set([255, 0]),
    async () => {},
  );
  const file = Buffer.from(mask, "base64");
  expect(file.toString("base64")).toBe(mask);
  expect([...file.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  // Bits a channel and colour type of IHDR.
  expect([...file.subarray(24, 26)]).toEqual([8, 0]);
});
