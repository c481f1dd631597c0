import { randomBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import packageJson from "../../../../package.json" with { type: "json" };
import { createCodecStore } from "../../../../src/tasks/image/codec-store.ts";
import { createImageDecoder } from "../../../../src/tasks/image/decode-image.ts";
import { instantiateCodec } from "../../../../src/tasks/image/jsquash-codecs.ts";
import { resample } from "../../../../src/tasks/image/resample.ts";
import {
  blackPng,
  expectedImages,
  fromBase64,
  largestDifference,
  pngChunk,
  readImage,
} from "../../../support/images.ts";
import {
  createObservedDecoder,
  type Decode,
  withoutLimits,
} from "../../../support/observed-decoder.ts";

/** The packages' own wasm in Node; test/workerd/images.test.ts tests them in the Worker. */

async function levelsOf(
  decodeImage: Decode,
  file: Uint8Array,
): Promise<{ width: number; height: number; levels: Uint8Array }> {
  return decodeImage(file, "inputs", (image) => {
    const { width, height } = image;
    const part = { left: 0, top: 0, width, height };
    return { width, height, levels: resample(image, 3, "nearest", width, height, part) };
  });
}

test("the versions of the codecs whose internals are used are pinned", () => {
  const { dependencies } = packageJson;
  expect(dependencies["@jsquash/jpeg"]).toBe("1.6.0");
  expect(dependencies["@jsquash/png"]).toBe("3.1.1");
  expect(dependencies["@jsquash/webp"]).toBe("1.5.0");
});

describe("an image is decoded as by Pillow", () => {
  const { decodeImage } = createObservedDecoder();
  // Lossy WebP and JPEG leave the upsampling of colours to the decoder; libjpeg's and libwebp's are theirs.
  const tolerance = (file: string): number => (file.endsWith(".jpg") ? 1 : 0);

  test.each(expectedImages.decoded)("$file", async ({ file, width, height, levels }) => {
    const actual = await levelsOf(decodeImage, readImage(file));
    expect(actual).toMatchObject({ width, height });
    expect(largestDifference(actual.levels, fromBase64(levels))).toBeLessThanOrEqual(
      tolerance(file),
    );
  });
});

describe("codecs", () => {
  test("are instantiated for the first file of their format, and kept", async () => {
    const { decodeImage, made } = createObservedDecoder();
    for (const file of ["rgb.png", "coffee.jpg", "palette.png", "grey.jpg", "chelsea.webp"])
      await levelsOf(decodeImage, readImage(file));
    expect(made.map(({ format }) => format)).toEqual(["png", "jpeg", "webp"]);
  });

  test("do not copy pixels: `use` gets a view of their memory", async () => {
    for (const [format, file] of [
      ["jpeg", "coffee.jpg"],
      ["png", "rgb.png"],
      ["webp", "chelsea.webp"],
    ] as const) {
      const codec = await instantiateCodec(format);
      const bytes = codec.decode(readImage(file), (pixels) => pixels.buffer.byteLength);
      expect(bytes).toBe(codec.memoryBytes());
    }
  });

  test("restore the globals", async () => {
    const { decodeImage } = createObservedDecoder();
    const before = [globalThis.Uint8ClampedArray, Reflect.get(globalThis, "ImageData")];
    await decodeImage(readImage("coffee.jpg"), "inputs", () => {
      // The codec is at work here, and what `use` does may not see its globals either way.
      expect(typeof Uint8Array).toBe("function");
    });
    const broken = decodeImage(readImage("coffee.jpg").subarray(0, 5000), "inputs", () => {});
    await expect(broken).rejects.toThrow();
    expect([globalThis.Uint8ClampedArray, Reflect.get(globalThis, "ImageData")]).toEqual(before);
  });

  test("are kept after a truncated file, and decode as before", async () => {
    const { decodeImage, made } = createObservedDecoder();
    for (const file of ["coffee.jpg", "rgb.png", "chelsea.webp"]) {
      const whole = readImage(file);
      const before = await levelsOf(decodeImage, whole);
      const cut = whole.subarray(0, Math.floor(whole.length / 2));
      for (let again = 0; again < 3; again++)
        await expect(levelsOf(decodeImage, cut)).rejects.toMatchObject({ code: "invalid_input" });
      expect(await levelsOf(decodeImage, whole)).toEqual(before);
    }
    expect(made).toHaveLength(3);
  });

  test("are replaced after a file that made them trap, and decode as before", async () => {
    const { decodeImage, made } = createObservedDecoder();
    const junk = readImage("coffee.jpg");
    // A marker of no meaning in the middle of the coded data.
    junk.set([0xff, 0x89, 0xff, 0x89], 9000);
    const zlib = Buffer.concat([
      readImage("rgb.png").subarray(0, 33),
      pngChunk("IDAT", Buffer.from("no zlib data")),
      pngChunk("IEND", Buffer.alloc(0)),
    ]);
    for (const [file, broken] of [
      ["coffee.jpg", junk],
      ["rgb.png", zlib],
    ] as const) {
      const before = await levelsOf(decodeImage, readImage(file));
      const count = made.length;
      await expect(levelsOf(decodeImage, broken)).rejects.toMatchObject({ code: "invalid_input" });
      expect(await levelsOf(decodeImage, readImage(file))).toEqual(before);
      expect(made).toHaveLength(count + 1);
    }
  });

  test("are kept after a large image, and do not grow for the next one", async () => {
    const { decodeImage, made } = createObservedDecoder();
    const large = blackPng(3500, 3500);
    for (let again = 0; again < 3; again++) await decodeImage(large, "inputs", () => {});
    expect(made).toHaveLength(1);
    expect(made[0]?.codec.memoryBytes()).toBeLessThan(70_000_000);
  });

  test("are dropped when they are large together, least recently used first", async () => {
    const { decodeImage, made } = createObservedDecoder();
    const use = (file: Uint8Array): Promise<void> => decodeImage(file, "inputs", () => {});
    await use(readImage("coffee.jpg"));
    await use(readImage("chelsea.webp"));
    await use(readImage("coffee.jpg"));
    // 64 MB beside twice 16 MB.
    await use(blackPng(3530, 3530));
    await use(readImage("coffee.jpg"));
    await use(readImage("chelsea.webp"));
    expect(made.map(({ format }) => format)).toEqual(["jpeg", "webp", "png", "webp"]);
  });

  test("that cannot be instantiated are tried again", async () => {
    let tries = 0;
    const codecs = createCodecStore((format) => {
      tries++;
      return tries === 1 ? Promise.reject(new Error("no memory")) : instantiateCodec(format);
    });
    const decodeImage = withoutLimits(createImageDecoder(codecs));
    await expect(levelsOf(decodeImage, readImage("rgb.png"))).rejects.toThrow("no memory");
    await expect(levelsOf(decodeImage, readImage("rgb.png"))).resolves.toMatchObject({ width: 32 });
  });
});

describe("an error of `use`", () => {
  test.each([["coffee.jpg"], ["rgb.png"], ["chelsea.webp"]])(
    "is thrown as it is while %s is decoded",
    async (file) => {
      const { decodeImage } = createObservedDecoder();
      const fault = new RangeError("of the caller");
      const work = decodeImage(readImage(file), "inputs", () => {
        throw fault;
      });
      await expect(work).rejects.toBe(fault);
    },
  );
});

describe("a file is refused before anything is decoded:", () => {
  const codecs = createCodecStore((format) => {
    throw new Error(`a codec was made for ${format}`);
  });
  const never = withoutLimits(createImageDecoder(codecs));
  const refused = (file: Uint8Array): Promise<unknown> => never(file, "inputs[3]", () => {});

  test("an image of 30,000 x 30,000 pixels in a small file", async () => {
    const bomb = blackPng(30_000, 30_000);
    expect(bomb.length).toBeLessThan(120_000);
    await expect(refused(bomb)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(
        /^inputs\[3\] is an image of 30000 x 30000 pixels, too many to decode: a PNG file of this kind may have 12,\d{3},\d{3}\./,
      ),
    });
  });

  test.each([
    ["cmyk.jpg", "unsupported_media_type", /inputs\[3\] is a CMYK JPEG; send an RGB or grey one/],
    ["animated.webp", "unsupported_media_type", /an animated WebP image/],
    ["picture.gif", "unsupported_media_type", /JPEG, PNG or WebP image; got a GIF image/],
  ])("%s", async (file, code, message) => {
    await expect(refused(readImage(file))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ["nothing", new Uint8Array(0), /got no bytes/],
    ["other bytes", new Uint8Array([1, 2, 3]), /got 3 bytes that begin with 01 02 03/],
    ["the first bytes of a JPEG", readImage("coffee.jpg").subarray(0, 100), /ends after 100 bytes/],
    ["the first bytes of a PNG", readImage("rgb.png").subarray(0, 20), /ends after 20 bytes/],
    ["half of a PNG", readImage("rgb.png").subarray(0, 1000), /1000 bytes, in the middle of IDAT/],
    ["a PNG without an end", readImage("rgb.png").slice(0, -12), /bytes, before IEND/],
    ["the first bytes of a WebP", readImage("chelsea.webp").subarray(0, 24), /ends after 24 bytes/],
  ])("%s", async (_, file, message) => {
    await expect(refused(file)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  test("a PNG whose side is longer than that of a JPEG", async () => {
    await expect(refused(blackPng(1, 70_000))).rejects.toThrow(
      "inputs[3] is an image of 1 x 70000 pixels: a side may have 65535.",
    );
  });

  test("a PNG whose data inflate to gigabytes after its pixels", async () => {
    // 40 MB of zeros in 40 kB, and the pixels of the header in the first of them.
    const bomb = blackPng(16, 16, 13_400_000);
    expect(bomb.length).toBeLessThan(50_000);
    await expect(refused(bomb)).rejects.toThrow("its data (IDAT) continue after its pixels");
  });

  test("a PNG of more than 65,536 chunks", async () => {
    const file = readImage("rgb.png");
    const chunk = pngChunk("tIME", new Uint8Array(7));
    const chunks = Buffer.concat(Array.from({ length: 65_536 }, () => chunk));
    const bomb = Buffer.concat([file.subarray(0, 33), chunks, file.subarray(33)]);
    await expect(refused(bomb)).rejects.toThrow("it has more than 65536 chunks");
  });

  test("a JPEG of more than 4,096 segments in front of its image", async () => {
    const file = readImage("coffee.jpg");
    const segments = new Uint8Array(4 * 5000);
    for (let at = 0; at < segments.length; at += 4) segments.set([0xff, 0xe1, 0, 2], at);
    const bomb = Buffer.concat([file.subarray(0, 2), segments, file.subarray(2)]);
    await expect(refused(bomb)).rejects.toThrow("its header has more than 4096 segments");
  });

  test("a WebP of more than 4,096 chunks", async () => {
    const file = readImage("lossless.webp");
    const bomb = Buffer.concat([file.subarray(0, 12), new Uint8Array(8 * 5000), file.subarray(12)]);
    bomb.writeUInt32LE(bomb.length - 8, 4);
    await expect(refused(bomb)).rejects.toThrow("it has more than 4096 chunks");
  });

  test("a baseline JPEG of more than 100 scans", async () => {
    const bomb = withScans(readImage("scans.jpg"), 101);
    await expect(refused(bomb)).rejects.toThrow("it has 104 scans: 100 are allowed");
  });

  test("a large JPEG of fewer scans", async () => {
    const bomb = withScans(readImage("progressive.jpg"), 15);
    // 2,800 x 2,400 pixels.
    const frame = bomb.indexOf(Buffer.from([0xff, 0xc2]));
    bomb.writeUInt16BE(2400, frame + 5);
    bomb.writeUInt16BE(2800, frame + 7);
    await expect(refused(bomb)).rejects.toThrow("it has 25 scans: 22 are allowed");
  });

  test.each([
    ["IDAT", 200],
    ["a chunk of no pixels", -1],
  ])("a PNG with a wrong checksum of %s", async (_, at) => {
    const plain = readImage("rgb.png");
    const file = new Uint8Array(
      Buffer.concat([
        plain.subarray(0, 33),
        pngChunk("tIME", new Uint8Array(7)),
        plain.subarray(33),
      ]),
    );
    const index = at < 0 ? 45 : at;
    file[index] = (file[index] ?? 0) ^ 1;
    await expect(refused(file)).rejects.toThrow(/the checksum of (?:IDAT|tIME) is wrong/);
  });

  test("a progressive JPEG of more than 100 scans", async () => {
    const bomb = withScans(readImage("progressive.jpg"), 100);
    await expect(refused(bomb)).rejects.toThrow("it has 110 scans");
  });

  test("a PNG of no pixels", async () => {
    await expect(refused(blackPng(0, 24))).rejects.toThrow(
      "inputs[3] is an image of 0 x 24 pixels.",
    );
  });
});

/** A JPEG file whose last scan is repeated. */
function withScans(file: Uint8Array, count: number): Buffer {
  const end = file.length - 2;
  let last = end;
  while (file[last] !== 0xff || file[last + 1] !== 0xda) last--;
  const scans = Array.from({ length: count }, () => file.subarray(last, end));
  return Buffer.concat([file.subarray(0, end), ...scans, file.subarray(end)]);
}

describe("what follows an image", () => {
  test("a JPEG file may continue with other images, whose scans do not count", async () => {
    const { decodeImage } = createObservedDecoder();
    const file = readImage("progressive.jpg");
    const photographs = Buffer.concat([file, ...Array.from({ length: 30 }, () => file)]);
    const size = await decodeImage(photographs, "inputs", ({ width, height }) => [width, height]);
    expect(size).toEqual([32, 24]);
  });

  test("compressed texts and profiles of a PNG do not reach the decoder", async () => {
    const { decodeImage, made } = createObservedDecoder();
    const plain = readImage("rgb.png");
    const before = await levelsOf(decodeImage, plain);
    const long = deflateSync(new Uint8Array(60_000_000));
    const profile = pngChunk("iCCP", Buffer.concat([Buffer.from("sRGB\0\0", "latin1"), long]));
    const text = pngChunk("zTXt", Buffer.concat([Buffer.from("Comment\0\0", "latin1"), long]));
    const file = Buffer.concat([plain.subarray(0, 33), profile, text, plain.subarray(33)]);
    expect(await levelsOf(decodeImage, file)).toEqual(before);
    expect(made[0]?.codec.memoryBytes()).toBeLessThan(4_000_000);
  });

  test("the work ends with the call while the data of a PNG are checked", async () => {
    const decodeImage = createImageDecoder(createCodecStore(instantiateCodec));
    const gone = new Error("gone");
    const noise = randomBytes(2_000_000);
    const data = pngChunk("IDAT", deflateSync(noise));
    const plain = readImage("rgb.png");
    const file = Buffer.concat([plain.subarray(0, 33), data, pngChunk("IEND", Buffer.alloc(0))]);
    let checkpoints = 0;
    const work = decodeImage(
      file,
      "inputs",
      () => {},
      async () => {
        checkpoints++;
        if (checkpoints === 2) throw gone;
      },
    );
    await expect(work).rejects.toBe(gone);
    expect(checkpoints).toBe(2);
  });
});
