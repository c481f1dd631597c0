import {
  type ImageBlock,
  imageBlock,
  imageShape,
  imageSize,
} from "../../domain/blocks/preprocess/image.ts";
import { ApiError } from "../../domain/errors.ts";
import { elementCount, type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { toFileBytes } from "../file-bytes.ts";
import { type ItemMetadata, maxBatchOf, type Preprocessor, splitList } from "../preprocessor.ts";
import type { DecodeImage } from "./decode-image.ts";
import { fitImage, type Placement } from "./fit-image.ts";
import { IMAGE_FILE } from "./image-file.ts";
import type { Raster } from "./raster.ts";

/** What a postprocessor needs to map coordinates of the model's input back to the image. */
export interface ImageMetadata extends ItemMetadata {
  readonly kind: "image";
  /** In pixels, with the EXIF orientation applied. */
  readonly width: number;
  readonly height: number;
  readonly placement: Placement;
  /** The size of the model's input, in pixels. */
  readonly frame: { readonly width: number; readonly height: number };
}

/** Images of a request; a small file may decode to a large image. */
const MAX_IMAGES = 64;

/**
 * Images (JPEG, PNG, WebP; bytes, or base64 in JSON) as the tensor that the block describes. Each is
 * decoded and scaled, and its pixels are freed, before the next one.
 */
export function createImagePreprocessor(
  spec: TensorSpec,
  block: ImageBlock,
  decodeImage: DecodeImage,
): Preprocessor {
  const frame = imageSize(block);
  const itemShape = imageShape(block);
  const length = elementCount(itemShape);
  const { datatype } = spec;
  if (datatype !== "UINT8" && datatype !== "FP32")
    throw new Error(`images become UINT8 or FP32, not ${datatype}`);
  const write = datatype === "UINT8" ? createLevelWriter(block) : createNumberWriter(block);

  return {
    mediaTypes: imageBlock.mediaTypes,
    parameters: imageBlock.parameters,
    maxBatch: maxBatchOf(spec.shape[0], block.maxBatch),
    split: (inputs) => splitList(inputs, checkImageCount),
    async toTensors(items, { trace, checkpoint }) {
      const count = items.length * length;
      const data = datatype === "UINT8" ? new Uint8Array(count) : new Float32Array(count);
      const metadata: ImageMetadata[] = [];
      for (const [index, { value, path }] of items.entries()) {
        const file = trace.measure("decode", () => toFileBytes(value, path, IMAGE_FILE));
        let ended = trace.start("decode");
        try {
          const use = (image: Raster): ImageMetadata => {
            ended();
            ended = trace.start("preprocess");
            const { levels, placement } = fitImage(image, block);
            write(levels, data.subarray(index * length, (index + 1) * length));
            const { width, height } = image;
            return { kind: "image", width, height, placement, frame };
          };
          metadata.push(await decodeImage(file, path, use, checkpoint));
          await checkpoint();
        } finally {
          ended();
        }
      }
      const shape = [items.length, ...itemShape];
      return { tensors: [{ name: spec.name, datatype, shape, data: toBytes(data) }], metadata };
    },
  };
}

type Write = (levels: Uint8Array, target: Uint8Array | Float32Array) => void;

/** For each channel, the index of its first value in an item's tensor, and the step to the next pixel. */
function channelLayout(block: ImageBlock): { starts: number[]; step: number } {
  const { color, layout } = block;
  const { width, height } = imageSize(block);
  const order = { RGB: [0, 1, 2], BGR: [2, 1, 0], GRAY: [0] }[color];
  if (layout === "NHWC") return { starts: order, step: order.length };
  return { starts: order.map((channel) => channel * width * height), step: 1 };
}

function createLevelWriter(block: ImageBlock): Write {
  const { starts, step } = channelLayout(block);
  const inOrder = block.layout === "NHWC" && block.color !== "BGR";
  return (levels, target) => {
    if (inOrder) target.set(levels);
    else
      for (const [channel, start] of starts.entries())
        for (let source = channel, at = start; source < levels.length; source += starts.length) {
          target[at] = levels[source] as number;
          at += step;
        }
  };
}

/** By a table of 256 levels for each channel. */
function createNumberWriter(block: ImageBlock): Write {
  const { starts, step } = channelLayout(block);
  const { scale = 1, mean = [0], std = [1] } = block;
  const tables = starts.map((_, channel) => {
    // `mean` and `std` are in the order of `color`.
    const position = block.color === "BGR" ? 2 - channel : channel;
    const shift = mean[position] ?? mean[0];
    const divisor = std[position] ?? std[0];
    return Float32Array.from({ length: 256 }, (_, level) => (level * scale - shift) / divisor);
  });
  return (levels, target) => {
    for (const [channel, start] of starts.entries()) {
      const table = tables[channel] as Float32Array;
      for (let source = channel, at = start; source < levels.length; source += starts.length) {
        target[at] = table[levels[source] as number] as number;
        at += step;
      }
    }
  };
}

/** @throws ApiError `invalid_input` for more images than a request may have */
function checkImageCount(count: number): void {
  if (count <= MAX_IMAGES) return;
  throw new ApiError(
    "invalid_input",
    `"inputs" has ${count} images: send at most ${MAX_IMAGES} in one request.`,
    { details: { maximum: MAX_IMAGES } },
  );
}
