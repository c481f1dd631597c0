import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { readClips } from "../../tasks/audio/audio-clip.ts";
import type { ExplainedVersion } from "../explained-version.ts";

/** A recording in memory, one channel. */
export interface Recording {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** Every run reads all of it. */
const MAX_SECONDS = 60;
/** Samples that are read in one piece of work. */
const PIECE = 262_144;

/**
 * Reads a file of a recording.
 * @throws ApiError `invalid_input` for another file, and for one that is too long to be explained
 */
export async function readRecording(
  { call }: ExplainedVersion,
  value: unknown,
  maxSeconds = MAX_SECONDS,
): Promise<Recording> {
  const [clip] = await readClips([{ value, path: "inputs" }], Number.POSITIVE_INFINITY, () =>
    call.checkpoint(),
  );
  if (!clip) throw new Error("there is no clip");
  const { sampleRate, frames } = clip.wav;
  const most = Math.min(MAX_SECONDS, maxSeconds);
  if (frames > most * sampleRate)
    throw new ApiError(
      "invalid_input",
      `inputs is ${Number((frames / sampleRate).toFixed(3))} seconds long: recordings of ${most} seconds at most are explained. Send a part of it.`,
      { details: { maxSeconds: most, seconds: frames / sampleRate } },
    );
  const samples = new Float32Array(frames);
  for (let start = 0; start < frames; start += PIECE) {
    samples.set(clip.wav.readMono(start, PIECE), start);
    await call.checkpoint();
  }
  return { samples, sampleRate };
}

const HEADER_BYTES = 44;
const FLOAT = 3;

/** A WAV file of 32-bit floats, which are the samples as they are. */
export function toWav({ samples, sampleRate }: Recording): Media {
  const bytes = new Uint8Array(HEADER_BYTES + samples.byteLength);
  const view = new DataView(bytes.buffer);
  const write = (at: number, text: string): void => {
    for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
  };
  write(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, FLOAT, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  write(36, "data");
  view.setUint32(40, samples.byteLength, true);
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), HEADER_BYTES);
  return new Media("audio/wav", bytes);
}
