import { describe, expect, test } from "vitest";
import { type ImageBlock, imageBlock } from "../../../../src/domain/blocks/preprocess/image.ts";
import { Media } from "../../../../src/domain/media.ts";
import { toTypedArray } from "../../../../src/domain/tensor.ts";
import { createCodecStore } from "../../../../src/tasks/image/codec-store.ts";
import { createImageDecoder } from "../../../../src/tasks/image/decode-image.ts";
import { createImagePreprocessor } from "../../../../src/tasks/image/image-preprocessor.ts";
import { instantiateCodec } from "../../../../src/tasks/image/jsquash-codecs.ts";
import {
  expectedImages,
  fromBase64,
  largestDifference,
  readImage,
} from "../../../support/images.ts";
import { preprocessAsync } from "../../../support/preprocess.ts";

const decodeImage = createImageDecoder(createCodecStore(instantiateCodec));

/** Whole preprocessings against Pillow and torchvision, on photographs. */

type Datatype = "UINT8" | "FP32";

interface Way {
  readonly block: ImageBlock;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** A JPEG postprocessor may differ by a level from another one, which is this much after scaling. */
  readonly tolerance: number;
}

const common = { type: "image", version: 1, input: "image" } as const;
const ONE_LEVEL = 1 / 255 / 0.224;

const WAYS: Record<string, Way> = {
  imagenet: {
    block: imageBlock.schema.parse({
      ...common,
      resize: {
        mode: "shortest-edge",
        size: 40,
        filter: "bicubic",
        crop: { width: 32, height: 32 },
      },
      color: "RGB",
      layout: "NCHW",
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    }),
    datatype: "FP32",
    shape: [3, 32, 32],
    tolerance: ONE_LEVEL + 1e-6,
  },
  letterbox: {
    block: imageBlock.schema.parse({
      ...common,
      resize: {
        mode: "letterbox",
        width: 36,
        height: 28,
        filter: "bilinear",
        background: [114, 100, 9],
      },
      color: "RGB",
      layout: "NHWC",
    }),
    datatype: "UINT8",
    shape: [28, 36, 3],
    tolerance: 1,
  },
  "exact-bgr": {
    block: imageBlock.schema.parse({
      ...common,
      resize: { mode: "exact", width: 25, height: 17, filter: "lanczos" },
      color: "BGR",
      layout: "NHWC",
    }),
    datatype: "UINT8",
    shape: [17, 25, 3],
    tolerance: 1,
  },
  grey: {
    block: imageBlock.schema.parse({
      ...common,
      resize: { mode: "exact", width: 28, height: 28, filter: "bilinear" },
      color: "GRAY",
      layout: "NCHW",
    }),
    datatype: "UINT8",
    shape: [1, 28, 28],
    tolerance: 1,
  },
};

const preprocessorOf = ({ block, datatype, shape }: Way) =>
  createImagePreprocessor(
    { name: "image", datatype, shape: ["batch", ...shape] },
    block,
    decodeImage,
  );

test.each(expectedImages.fitted)("$file as $way", async ({ file, way, numbers }) => {
  const chosen = WAYS[way] as Way;
  const { tensors, form } = await preprocessAsync(
    preprocessorOf(chosen),
    new Media("image/jpeg", readImage(file)),
  );
  const [tensor] = tensors;
  expect(form).toBe("one");
  expect(tensor).toMatchObject({
    name: "image",
    datatype: chosen.datatype,
    shape: [1, ...chosen.shape],
  });
  if (!tensor || tensor.datatype === "BYTES") throw new Error("no numbers");
  const bytes = fromBase64(numbers);
  const expected = chosen.datatype === "FP32" ? new Float32Array(bytes.buffer) : bytes;
  const actual = toTypedArray(tensor) as Uint8Array | Float32Array;
  // Photographs in lossless files come to the last level, and floats to their last digits.
  const exact = /\.(png|webp)$/.test(file);
  expect(largestDifference(actual, expected)).toBeLessThanOrEqual(exact ? 1e-6 : chosen.tolerance);
});

describe("an image may be sent as", () => {
  const letterbox = WAYS.letterbox as Way;
  const preprocessor = preprocessorOf(letterbox);
  const file = readImage("rgb.png");
  const base64 = Buffer.from(file).toString("base64");
  const bytesOf = async (inputs: unknown): Promise<Uint8Array> => {
    const [tensor] = (await preprocessAsync(preprocessor, inputs)).tensors;
    if (!tensor || tensor.datatype === "BYTES") throw new Error("no numbers");
    return tensor.data;
  };

  test.each([
    ["a body of another type than it is", new Media("image/jpeg", file)],
    ["a body without a type", new Media("", file)],
    ["base64", base64],
    ["base64 with line breaks", base64.replace(/.{76}/g, "$&\r\n")],
    ["a data URL", `data:image/png;base64,${base64}`],
    ["a data URL with parameters", `data:image/png;name=a.png;base64,${base64}`],
  ])("%s", async (_, inputs) => {
    expect(await bytesOf(inputs)).toEqual(await bytesOf(new Media("image/png", file)));
  });

  test("several images, which become one tensor in their order", async () => {
    const other = new Media("image/jpeg", readImage("coffee.jpg"));
    const { tensors, metadata, form } = await preprocessAsync(preprocessor, [base64, other]);
    expect(form).toBe("list");
    expect(tensors[0]?.shape).toEqual([2, ...letterbox.shape]);
    const both = Buffer.concat([await bytesOf(base64), await bytesOf(other)]);
    expect(Buffer.from(tensors[0]?.data as Uint8Array)).toEqual(both);
    expect(metadata).toMatchObject([
      { kind: "image", width: 32, height: 24 },
      { kind: "image", width: 300, height: 200 },
    ]);
  });

  test.each([
    ["https://example.com/cat.jpg", /^inputs is a URL, which is not fetched/],
    ["data:image/png,%8", /a percent sign that begins no escape/],
    ["data:image/png;base64", /a data URL without a comma/],
    ["not base64!", /must be an image: base64 .* not base64: "not base64!"/],
    [7, /must be an image: base64 of a JPEG, PNG or WebP file, or a data URL of it; got 7\./],
    [{ image: "" }, /got an object/],
  ])("%s is refused", async (inputs, message) => {
    await expect(preprocessAsync(preprocessor, inputs)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
  });

  test("an error names the invalid one of several", async () => {
    await expect(preprocessAsync(preprocessor, [base64, "AAAA"])).rejects.toThrow(
      "inputs[1] must be a JPEG, PNG or WebP image; got 3 bytes that begin with 00 00 00.",
    );
  });

  test("more than 64 are refused", () => {
    expect(() => preprocessor.split(Array(65).fill(base64), {})).toThrow(
      "at most 64 in one request",
    );
  });
});

test("a run has at most as many images as the model and the block allow", () => {
  const { block, shape } = WAYS.letterbox as Way;
  const spec = (batch: number | string) =>
    ({ name: "image", datatype: "UINT8", shape: [batch, ...shape] }) as const;
  expect(createImagePreprocessor(spec("n"), block, decodeImage).maxBatch).toBe(4);
  expect(createImagePreprocessor(spec("n"), { ...block, maxBatch: 3 }, decodeImage).maxBatch).toBe(
    3,
  );
  expect(createImagePreprocessor(spec(1), block, decodeImage).maxBatch).toBe(1);
});
