import type { PageBlock } from "../../domain/blocks/preprocess/page.ts";
import { colourChannels } from "../../domain/blocks/preprocess/page.ts";
import { type Tensor, toBytes } from "../../domain/tensor.ts";

export type PixelRule = Pick<PageBlock, "color" | "scale" | "mean" | "std">;

/** Writes levels into a tensor. */
export interface PixelWriter {
  /**
   * @param levels rows from the top, red, green and blue
   * @param frameWidth of the tensor; what is right of the levels is 0
   */
  toTensor(
    name: string,
    levels: Uint8Array,
    width: number,
    height: number,
    frameWidth?: number,
  ): Tensor;
}

/** By a table of 256 levels for each channel. */
export function createPixelWriter(rule: PixelRule): PixelWriter {
  const { color, scale, mean, std } = rule;
  const channels = colourChannels(rule);
  const tables = Array.from({ length: channels }, (_, channel) => {
    const shift = mean[channel] ?? mean[0];
    const divisor = std[channel] ?? std[0];
    return Float32Array.from({ length: 256 }, (_, level) => (level * scale - shift) / divisor);
  });
  return {
    toTensor(name, levels, width, height, frameWidth = width) {
      const plane = frameWidth * height;
      const data = new Float32Array(plane * channels);
      const source = channels === 1 ? toLuma(levels) : levels;
      for (const [channel, table] of tables.entries()) {
        let at = color === "BGR" ? 2 - channel : channel;
        for (let y = 0; y < height; y++) {
          let target = channel * plane + y * frameWidth;
          for (const end = target + width; target < end; target++) {
            data[target] = table[source[at] as number] as number;
            at += channels;
          }
        }
      }
      const shape = [1, channels, height, frameWidth];
      return { name, datatype: "FP32", shape, data: toBytes(data) };
    },
  };
}

/** BT.601, as OpenCV's `COLOR_BGR2GRAY`. */
function toLuma(levels: Uint8Array): Uint8Array {
  const luma = new Uint8Array(levels.length / 3);
  for (let at = 0, source = 0; at < luma.length; at++, source += 3)
    luma[at] =
      ((levels[source] as number) * 4899 +
        (levels[source + 1] as number) * 9617 +
        (levels[source + 2] as number) * 1868 +
        0x2000) >>
      14;
  return luma;
}
