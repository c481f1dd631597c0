import type { ImageBlock } from "../../domain/blocks/preprocess/image.ts";
import { channelsOf, imageSize } from "../../domain/blocks/preprocess/image.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { type NumericTensor, type Tensor, toBytes, toTypedArray } from "../../domain/tensor.ts";
import type { ImageMetadata } from "../../tasks/image/image-preprocessor.ts";
import type { DetectionBox } from "../../tasks/image/object-detection-postprocessor.ts";
import { inputSpecs } from "../../tasks/input-specs.ts";
import type { ReadItem } from "../media/item-reader.ts";

/** How the values of a picture lie in the model's input. */
export interface PictureForm {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Of a channel: the index of its first value. */
  readonly channelStep: number;
  /** From a pixel to the next one. */
  readonly pixelStep: number;
}

/** A part of a picture in the model's input, in pixels. */
export interface PictureArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type PictureValues = Uint8Array | Float32Array;

/** A picture as the model reads it. */
export interface Picture extends PictureForm {
  readonly tensor: NumericTensor;
  readonly values: PictureValues;
  /** Without the background around it. */
  readonly area: PictureArea;
  /** Of the picture that was sent, in its pixels: what the area shows. `undefined` for arrays of numbers. */
  readonly shown: DetectionBox | undefined;
  readonly metadata: ImageMetadata | undefined;
}

const MIN_SIDE = 4;

/** How pictures lie in the input of a version; `undefined` for one that takes none. Arrays of one or three planes are pictures. */
export function pictureForm(manifest: Manifest): PictureForm | undefined {
  const { preprocess } = manifest;
  if (preprocess?.type === "image") return imageForm(preprocess);
  if (preprocess?.type !== "array") return undefined;
  const { shape, datatype } = inputSpecs(manifest)(preprocess.input);
  const [channels, height, width, ...more] = shape.slice(1);
  const fits =
    (datatype === "FP32" || datatype === "UINT8") &&
    more.length === 0 &&
    (channels === 1 || channels === 3) &&
    typeof width === "number" &&
    typeof height === "number" &&
    Math.min(width, height) >= MIN_SIDE;
  if (!fits) return undefined;
  return { width, height, channels, channelStep: width * height, pixelStep: 1 };
}

function imageForm(block: ImageBlock): PictureForm {
  const { width, height } = imageSize(block);
  const channels = channelsOf(block);
  return block.layout === "NHWC"
    ? { width, height, channels, channelStep: 1, pixelStep: channels }
    : { width, height, channels, channelStep: width * height, pixelStep: 1 };
}

/** @param item of one picture */
export function toPicture(form: PictureForm, { tensors, metadata }: ReadItem): Picture {
  const [tensor] = tensors;
  if (!tensor || (tensor.datatype !== "UINT8" && tensor.datatype !== "FP32"))
    throw new Error("a picture is UINT8 or FP32");
  const image = metadata?.kind === "image" ? (metadata as ImageMetadata) : undefined;
  const area = image ? visibleArea(image) : { left: 0, top: 0, ...sizeOf(form) };
  return {
    ...form,
    tensor,
    values: toTypedArray(tensor) as PictureValues,
    area,
    shown: image && toShown(area, image),
    metadata: image,
  };
}

/** The picture with other values. */
export function toTensor({ tensor }: Picture, values: PictureValues): Tensor {
  return { ...tensor, data: toBytes(values) };
}

function sizeOf({ width, height }: PictureForm) {
  return { width, height };
}

function visibleArea({ width, height, placement, frame }: ImageMetadata): PictureArea {
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  const left = Math.max(0, Math.round(offsetX));
  const top = Math.max(0, Math.round(offsetY));
  const right = Math.min(frame.width, Math.round(offsetX + width * scaleX));
  const bottom = Math.min(frame.height, Math.round(offsetY + height * scaleY));
  return { left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
}

function toShown(area: PictureArea, { width, height, placement }: ImageMetadata): DetectionBox {
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  const x = (at: number): number => Math.min(Math.max((at - offsetX) / scaleX, 0), width);
  const y = (at: number): number => Math.min(Math.max((at - offsetY) / scaleY, 0), height);
  return {
    xmin: x(area.left),
    ymin: y(area.top),
    xmax: x(area.left + area.width),
    ymax: y(area.top + area.height),
  };
}
