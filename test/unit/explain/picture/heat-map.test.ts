import { beforeAll, expect, test } from "vitest";
import { Media } from "../../../../src/domain/media.ts";
import { renderHeatMap } from "../../../../src/explain/picture/render-heat-map.ts";
import { resample } from "../../../../src/tasks/image/resample.ts";
import { expectedParts, explain } from "../../../support/explained-parts.ts";
import { readImage } from "../../../support/images.ts";
import { createObservedDecoder } from "../../../support/observed-decoder.ts";
import { findModel } from "../../../support/publish.ts";
import { servedVersion } from "../../../support/served-version.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

beforeAll(() => stubWorkersGlobals());

const FACE = new Media("image/png", readImage("astronaut.png"));

/** The pixels of a PNG file, by the decoder of images that are sent. */
async function decode(file: Uint8Array) {
  const { decodeImage } = createObservedDecoder();
  return decodeImage(file, "inputs", (image) => {
    const { width, height } = image;
    const part = { left: 0, top: 0, width, height };
    const levels = resample(image, 3, "nearest", width, height, part);
    const at = (x: number, y: number) => [...levels.subarray((y * width + x) * 3).subarray(0, 3)];
    return { width, height, at };
  });
}

test("a heat map is red and blue over the picture, with a legend below", async () => {
  const version = servedVersion(findModel("digits-cnn"));
  const { inputs } = expectedParts.digits;
  const values = Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 0));
  values[0] = [1, -1, 0.5, 0, 0, 0, 0, 0];
  const answer = { map: { rows: 8, columns: 8, values } };
  const { body, contentType } = await renderHeatMap(answer, version, inputs);
  expect(contentType).toBe("image/png");
  const { width, height, at } = await decode(body);
  expect([width, height]).toEqual([320, 320 + 46]);
  // A black pixel below: three quarters of the colours of the ends of RdBu.
  expect(at(20, 20)).toEqual([134, 18, 32]);
  expect(at(60, 20)).toEqual([25, 77, 129]);
  // Half as much, over a pixel of 11 of 16.
  expect(at(100, 20)).toEqual([176, 118, 125]);
  expect(at(20, 300)).toEqual([0, 0, 0]);
  // The legend goes from blue over white to red.
  expect(at(12, 340)).toEqual([89, 140, 193]);
  expect(at(160, 340).every((level) => level > 250)).toBe(true);
  expect(at(307, 340)).toEqual([197, 82, 96]);
});

test("a heat map of detected objects shows the furthest value of each point", async () => {
  const version = servedVersion(findModel("face-detection"));
  const answer = await explain(version, "occlusion", FACE, { grid: [4, 4], fill: "mean" });
  const { body } = await renderHeatMap(answer, version, FACE);
  const { width, height } = await decode(body);
  expect([width, height]).toEqual([384, 384 + 46]);
  const [one] = answer.explanations;
  const two = [
    one,
    { map: { rows: 4, columns: 4, values: one?.map.values.map((row) => row.map(() => 0)) } },
  ];
  const of = (explanations: unknown) => renderHeatMap({ explanations } as object, version, FACE);
  expect((await of(two)).body).toEqual(body);
});

test("an answer without a map, of all outputs, or of several pictures has no heat map", async () => {
  const version = servedVersion(findModel("digits-cnn"));
  const { inputs } = expectedParts.digits;
  const render = (answer: object) => renderHeatMap(answer, version, inputs);
  await expect(render({ values: [1] })).rejects.toThrow("image/png is the heat map of one picture");
  await expect(render([])).rejects.toThrow("image/png is the heat map of one picture");
  const all = { map: { rows: 1, columns: 1, values: [[[1]], [[2]]] } };
  await expect(render(all)).rejects.toThrow("name one output instead of all");
});
