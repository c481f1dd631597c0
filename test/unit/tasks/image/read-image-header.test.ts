import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { imageFormat, readImageHeader } from "../../../../src/tasks/image/read-image-header.ts";
import {
  expectedImages,
  fromBase64,
  pngChunk,
  readImage,
  readOrientations,
} from "../../../support/images.ts";

const { checkpoint } = createCall();
const header = (file: Uint8Array) => readImageHeader(file, "inputs", checkpoint);

describe("the header has the size that Pillow reads", () => {
  // Rotated images are stored with width and height swapped.
  test.each(expectedImages.decoded)("$file", async ({ file, width, height }) => {
    const { orientation, ...stored } = await header(readImage(file));
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
])("the memory that a decoder needs for %s is the measured one", async (file, format, bytes) => {
  const { bytesPerPixel, ...rest } = await header(readImage(file));
  expect(rest.format).toBe(format);
  expect(bytesPerPixel).toBeCloseTo(bytes, 5);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i is read from EXIF", async (orientation) => {
  const file = readImage(`orientation-${orientation}.jpg`);
  expect(await header(file)).toMatchObject({ orientation });
});

describe("the orientation is the one that Pillow's exif_transpose applies:", () => {
  test.each(readOrientations())("$name", async ({ file, orientation }) => {
    expect(await header(fromBase64(file))).toMatchObject({ orientation });
  });
});

describe("a text that may have the orientation is refused when it is longer than a megabyte:", () => {
  const long = new Uint8Array(2 ** 20 + 1).fill(0x20);
  const keyword = (name: string): Buffer => Buffer.from(`${name}\0`, "latin1");
  const raw = keyword("Raw profile type exif");
  const xmp = keyword("XML:com.adobe.xmp");

  test.each([
    ["a compressed profile", "zTXt", Buffer.concat([raw, Buffer.of(0), deflateSync(long)])],
    ["a plain profile", "tEXt", Buffer.concat([raw, long])],
    ["compressed XMP", "iTXt", Buffer.concat([xmp, Buffer.of(1, 0, 0, 0), deflateSync(long)])],
  ])("%s", async (_, name, body) => {
    const refused = header(withChunk(name, body));
    await expect(refused).rejects.toThrow(/its text ".+" has more than 1048576 bytes/);
  });

  test("plain XMP and other texts are not", async () => {
    const packet = Buffer.concat([xmp, Buffer.alloc(4), long, Buffer.from('tiff:Orientation="6"')]);
    expect(await header(withChunk("iTXt", packet))).toMatchObject({ orientation: 6 });
    const comment = Buffer.concat([keyword("Comment"), Buffer.of(0), deflateSync(long)]);
    expect(await header(withChunk("zTXt", comment))).toMatchObject({ orientation: 1 });
  });
});

function withChunk(name: string, body: Uint8Array): Uint8Array {
  const file = readImage("rgb.png");
  return Buffer.concat([file.subarray(0, 33), pngChunk(name, body), file.subarray(33)]);
}

test("invalid EXIF data are ignored", async () => {
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
    const read = await header(changed);
    expect([1, 6]).toContain(read.orientation);
    expect(read).toMatchObject({ width: 32, height: 24 });
  }
});

test("every truncated file is refused, unless its header is complete", async () => {
  for (const name of ["orientation-6.jpg", "orientation-6.webp", "palette.png"]) {
    const file = readImage(name);
    const whole = await header(file);
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      try {
        const { width, height } = await header(cut);
        expect([width, height]).toEqual([whole.width, whole.height]);
      } catch (error) {
        expect(error).toMatchObject({
          code: imageFormat(cut) ? "invalid_input" : "unsupported_media_type",
        });
      }
    }
  }
});
