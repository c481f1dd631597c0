import { createFourierTransform } from "../../tasks/audio/fourier-transform.ts";
import type { Coalition } from "../game.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import type { Recording } from "./recording.ts";

/** A part of a recording: seconds, or a band of frequency in hertz. */
export type SoundPart =
  | { readonly start: number; readonly end: number }
  | { readonly from: number; readonly to: number };

/** A recording in parts. */
export interface SoundParts {
  readonly parts: readonly SoundPart[];
  readonly names: readonly string[];
  /** The recording with silence in place of the parts that are not known. */
  without(coalition: Coalition, checkpoint: () => Promise<void>): Promise<Float32Array>;
}

/** Of a recording without `window_ms`. */
const DEFAULT_WINDOWS = 20;
const MIN_WINDOW_MS = 100;
/** Of a frame whose frequencies are known, in seconds; a power of 2 of samples. */
const FRAME_SECONDS = 0.032;
/** Frames between two checkpoints: some milliseconds. */
const FRAMES_PER_STEP = 256;

export function toSoundParts(
  recording: Recording,
  { window_ms, bands }: Pick<MediaParameters, "window_ms" | "bands">,
): SoundParts {
  return bands === undefined ? windowParts(recording, window_ms) : bandParts(recording, bands);
}

/** Windows of equal length; the last one may be shorter. */
function windowParts({ samples, sampleRate }: Recording, windowMs: number | undefined): SoundParts {
  const ofMs = (ms: number): number => Math.round((ms * sampleRate) / 1000);
  const length = Math.max(
    1,
    windowMs === undefined
      ? Math.max(ofMs(MIN_WINDOW_MS), Math.ceil(samples.length / DEFAULT_WINDOWS))
      : ofMs(windowMs),
  );
  const count = Math.ceil(samples.length / length);
  const parts = Array.from({ length: count }, (_, window) => ({
    start: (window * length) / sampleRate,
    end: Math.min((window + 1) * length, samples.length) / sampleRate,
  }));
  return {
    parts,
    names: parts.map(({ start, end }) => `${start.toFixed(2)}-${end.toFixed(2)} s`),
    async without(coalition) {
      const left = samples.slice();
      for (const [window, known] of coalition.entries())
        if (known === 0) left.fill(0, window * length, (window + 1) * length);
      return left;
    },
  };
}

/** Bands of equal width on the mel scale (O'Shaughnessy 1987), up to half of the rate. */
function bandParts(recording: Recording, bands: number): SoundParts {
  const top = toMel(recording.sampleRate / 2);
  const edges = Array.from({ length: bands + 1 }, (_, edge) => toHertz((top * edge) / bands));
  const parts = edges.slice(0, -1).map((from, band) => ({ from, to: edges[band + 1] as number }));
  return {
    parts,
    names: parts.map(({ from, to }) => `${Math.round(from)}-${Math.round(to)} Hz`),
    without: (coalition, checkpoint) => withoutBands(recording, edges, coalition, checkpoint),
  };
}

function toMel(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700);
}

function toHertz(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1);
}

/** By frames with Hann windows that overlap by half, whose sum is 1, so that a recording of which nothing is silenced stays as it is. */
async function withoutBands(
  { samples, sampleRate }: Recording,
  edges: readonly number[],
  coalition: Coalition,
  checkpoint: () => Promise<void>,
): Promise<Float32Array> {
  const size = 2 ** Math.round(Math.log2(sampleRate * FRAME_SECONDS));
  const hop = size / 2;
  const fourier = createFourierTransform(size);
  const hann = Float64Array.from(
    { length: size },
    (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size),
  );
  const isSilent = Uint8Array.from({ length: size }, (_, bin) => {
    const hertz = (Math.min(bin, size - bin) * sampleRate) / size;
    const band = edges.findIndex(
      (_, edge) => hertz < (edges[edge + 1] ?? Number.POSITIVE_INFINITY),
    );
    return coalition[Math.min(band, coalition.length - 1)] === 1 ? 0 : 1;
  });
  const left = new Float64Array(samples.length);
  let frames = 0;
  for (let start = -hop; start < samples.length; start += hop) {
    for (let at = 0; at < size; at++)
      fourier.real[at] = (samples[start + at] ?? 0) * (hann[at] as number);
    fourier.imaginary.fill(0);
    fourier.transform();
    // The inverse is the transform of the conjugate.
    for (let bin = 0; bin < size; bin++) {
      const keep = isSilent[bin] === 1 ? 0 : 1;
      fourier.real[bin] = (fourier.real[bin] as number) * keep;
      fourier.imaginary[bin] = -(fourier.imaginary[bin] as number) * keep;
    }
    fourier.transform();
    for (let at = Math.max(0, -start); at < size && start + at < samples.length; at++)
      left[start + at] = (left[start + at] as number) + (fourier.real[at] as number) / size;
    if (++frames % FRAMES_PER_STEP === 0) await checkpoint();
  }
  return Float32Array.from(left);
}
