import type { TextLine } from "../../domain/blocks/postprocess/text-lines.ts";
import type { Postprocess } from "../../domain/blocks/registry.ts";
import type { Call } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { decodeBase64 } from "../../shared/base64.ts";
import { toFileBytes } from "../file-bytes.ts";
import type { DecodeImage } from "./decode-image.ts";
import { drawPolygons } from "./draw-polygons.ts";
import { drawSegments } from "./draw-segments.ts";
import { IMAGE_FILE } from "./image-file.ts";
import type { ImageSegment } from "./image-segmentation-postprocessor.ts";

/** A prediction for one image, and what it was made of. */
export interface DrawnPrediction {
  readonly manifest: Pick<Manifest, "labels" | "postprocess">;
  /** Of the request. */
  readonly inputs: unknown;
  /** As it is in JSON. */
  readonly value: unknown;
}

type Draw = (
  prediction: DrawnPrediction,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
) => Uint8Array | Promise<Uint8Array>;

/** By the type of the postprocess block, for those whose definition has a `picture`. */
const DRAWINGS: { readonly [T in Postprocess["type"]]?: Draw } = {
  "image-segmentation": drawMasks,
  "text-lines": drawLines,
};

/**
 * A prediction as a PNG file.
 * @throws ApiError of the decoder, where the image of the request is looked at again
 */
export async function drawPrediction(
  prediction: DrawnPrediction,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array> {
  const { type } = prediction.manifest.postprocess ?? {};
  const draw = type && DRAWINGS[type];
  if (!draw) throw new Error(`predictions of ${type} are not drawn`);
  return draw(prediction, decodeImage, checkpoint);
}

function drawMasks(
  { manifest, inputs, value }: DrawnPrediction,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array> {
  const file = toFileBytes(inputs, "inputs", IMAGE_FILE);
  const segments = value as readonly ImageSegment[];
  return drawSegments({ file, segments, labels: manifest.labels ?? [] }, decodeImage, checkpoint);
}

function drawLines(
  { inputs, value }: DrawnPrediction,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array> {
  const file = toFileBytes(inputs, "inputs", IMAGE_FILE);
  const [text] = value as readonly { readonly lines: readonly TextLine[] }[];
  const polygons = text?.lines.map(({ polygon }) => polygon) ?? [];
  return drawPolygons({ file, polygons }, decodeImage, checkpoint);
}

/** A picture that is in the prediction itself, as base64. */
export function ownPicture(field: string): Draw {
  return ({ value }) => {
    const picture = (value as Readonly<Record<string, unknown>>)[field];
    const bytes = typeof picture === "string" ? decodeBase64(picture) : undefined;
    if (!bytes) throw new Error(`the prediction has no picture in ${field}`);
    return bytes;
  };
}
