import {
  type MelSpectrogramBlock,
  rowCount,
} from "../../domain/blocks/preprocess/mel-spectrogram.ts";
import type { WaveformBlock } from "../../domain/blocks/preprocess/waveform.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { elementCount, type NumericTensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { createMelSpectrogram, type Features } from "./mel-spectrogram.ts";
import { normalizedFill } from "./normalize-features.ts";

export type SoundBlock = WaveformBlock | MelSpectrogramBlock;

/** What a window is for a model: the shape of an item and its numbers. */
export interface SoundItem {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** How windows become the model's input. */
export interface FrontEnd {
  toItem(samples: Float32Array, path: string, checkpoint: Call["checkpoint"]): Promise<SoundItem>;
  /** Windows that a run has at most; 0 for an input without a batch, which takes one. */
  readonly maxBatch: number;
  /** Windows that a run must have; `undefined` for any number. */
  readonly batch: number | undefined;
  toTensor(items: readonly SoundItem[]): NumericTensor;
}

/** Numbers of the features of a window: 32 MB. */
const MAX_FEATURES = 2 ** 23;
/** Of audio in one run, which cannot be interrupted. */
const RUN_SECONDS = 4;

export function createFrontEnd(block: SoundBlock, spec: TensorSpec): FrontEnd {
  const itemRank = block.type === "waveform" ? 1 : 2;
  const { shape } = spec;
  const hasBatch = shape.length === 0 || shape.length > itemRank;
  // [batch, 1, ...]: a channel.
  const channel = shape.length === itemRank + 2 ? [1] : [];
  const batch = hasBatch ? fixedSize(shape[0]) : 1;
  const { windowSeconds = RUN_SECONDS } = block;
  const toItem = block.type === "waveform" ? waveformItem : melItem(block, spec);
  return {
    toItem,
    batch,
    maxBatch: batch ?? Math.max(1, Math.floor(RUN_SECONDS / windowSeconds)),
    toTensor(items) {
      const [{ shape: ofItem } = { shape: [] }] = items;
      const size = elementCount(ofItem);
      const rows = batch ?? items.length;
      const values = new Float32Array(rows * size);
      for (const [row, item] of items.entries()) values.set(item.values, row * size);
      const full = hasBatch ? [rows, ...channel, ...ofItem] : [...ofItem];
      return { name: block.input, datatype: "FP32", shape: full, data: toBytes(values) };
    },
  };
}

async function waveformItem(samples: Float32Array): Promise<SoundItem> {
  return { shape: [samples.length], values: samples };
}

function melItem(block: MelSpectrogramBlock, spec: TensorSpec): FrontEnd["toItem"] {
  const mel = createMelSpectrogram(block);
  const isRowsFirst = block.layout === "rows-first";
  const wanted = fixedSize(spec.shape.at(isRowsFirst ? -1 : -2));
  const most = MAX_FEATURES / rowCount(block);
  return async (samples, path, checkpoint) => {
    if (samples.length / block.hopSamples > most)
      throw new ApiError(
        "invalid_input",
        `${path} has too many frames for the model, which reads it at once: ${Math.floor(most)} are the limit. Send it in pieces.`,
        { details: { maxFrames: Math.floor(most) } },
      );
    const features = await mel.compute(samples, checkpoint);
    const frames = wanted ?? features.frames;
    if (frames === 0)
      throw new ApiError(
        "invalid_input",
        `${path} is too short for a frame of ${block.frameSamples} samples at ${block.sampleRate} Hz.`,
      );
    const shape = isRowsFirst ? [features.rows, frames] : [frames, features.rows];
    return { shape, values: arrange(features, frames, block) };
  };
}

/** Features in the order of the input, cut or filled to a number of frames. */
function arrange(
  { rows, frames, values }: Features,
  wanted: number,
  block: MelSpectrogramBlock,
): Float32Array {
  const isRowsFirst = block.layout === "rows-first";
  if (isRowsFirst && frames === wanted) return values;
  const result = new Float32Array(rows * wanted);
  for (let row = 0; row < rows; row++) {
    const fill = normalizedFill(block.padFrames, row, block);
    for (let frame = 0; frame < wanted; frame++) {
      const value = frame < frames ? (values[row * frames + frame] as number) : fill;
      result[isRowsFirst ? row * wanted + frame : frame * rows + row] = value;
    }
  }
  return result;
}
