import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import {
  type ObjectDetectionBlock,
  objectDetectionBlock,
} from "../../src/domain/blocks/postprocess/object-detection.ts";
import type { NumericDatatype } from "../../src/domain/datatype.ts";
import type { NumericTensor } from "../../src/domain/tensor.ts";
import type { ImageMetadata } from "../../src/tasks/image/image-preprocessor.ts";

/** The outputs of detectors in test/fixtures/detection, and the objects that their own packages make of them. */

interface StoredTensor {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly data: string;
}

interface ExpectedObject {
  readonly label: string;
  readonly score: number;
  /** Left, top, right, bottom in pixels of the image. */
  readonly box: readonly number[];
  /** Of each keypoint x, y and score. */
  readonly keypoints?: readonly (readonly number[])[];
  readonly polygon?: readonly (readonly number[])[];
  /** A PNG file in base64. */
  readonly mask?: string;
}

interface StoredCase {
  readonly name: string;
  readonly block: object;
  readonly outputs: readonly StoredTensor[];
  readonly expected: readonly ExpectedObject[];
  readonly labels?: readonly string[];
  readonly pad?: readonly [number, number];
  readonly stretched?: boolean;
}

export interface DetectionCase {
  readonly name: string;
  readonly block: ObjectDetectionBlock;
  readonly labels: readonly string[];
  readonly outputs: readonly NumericTensor[];
  readonly metadata: ImageMetadata;
  readonly expected: readonly ExpectedObject[];
}

const FIXTURE = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "detection", "layouts.json"), "utf8"),
);

export const DETECTION_CASES: readonly DetectionCase[] = FIXTURE.cases.map(
  ({ name, block, outputs, expected, labels, pad, stretched }: StoredCase): DetectionCase => {
    const { frame, image, scale, scoreThreshold, iouThreshold } = FIXTURE;
    const [width, height] = image;
    const [offsetX, offsetY] = stretched ? [0, 0] : (pad ?? FIXTURE.pad);
    return {
      name,
      block: objectDetectionBlock.schema.parse({
        type: "object-detection",
        version: 1,
        scoreThreshold,
        iouThreshold,
        maxDetections: 100,
        ...block,
      }),
      labels: labels ?? FIXTURE.labels,
      outputs: outputs.map(({ data, ...spec }) => ({
        ...spec,
        data: new Uint8Array(Buffer.from(data, "base64")),
      })),
      metadata: {
        kind: "image",
        width,
        height,
        frame: { width: frame, height: frame },
        placement: {
          scaleX: stretched ? frame / width : scale,
          scaleY: stretched ? frame / height : scale,
          offsetX,
          offsetY,
        },
      },
      expected,
    };
  },
);

/** The outputs of a run of several images, which are all the same one. */
export function repeatBatch(outputs: readonly NumericTensor[], count: number): NumericTensor[] {
  return outputs.map((output) => {
    const data = new Uint8Array(output.data.byteLength * count);
    for (let at = 0; at < count; at++) data.set(output.data, at * output.data.byteLength);
    return { ...output, shape: [count, ...output.shape.slice(1)], data };
  });
}

/** A picture at the top left of a frame, by Pillow's ImageOps.pad; `levels` is base64 of three bytes a pixel. */
export const IN_CORNER: {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly background: [number, number, number];
  readonly levels: string;
} = FIXTURE.inCorner;
