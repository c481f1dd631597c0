import { AUDIO_MEDIA_TYPES } from "../../domain/blocks/audio-files.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { type FileKind, toFileBytes } from "../file-bytes.ts";
import type { Item } from "../preprocessor.ts";
import { parseAudio } from "./audio-file.ts";
import type { Wav } from "./wav.ts";

const AUDIO_FILE: FileKind = {
  expected: "a WAV, MP3, FLAC or Ogg file: base64 of it, or a data URL of it",
  mediaTypes: AUDIO_MEDIA_TYPES,
};

/** Each clip is at least one run, however short it is, and a body of 16 MB can have 200,000 clips of one sample. */
const MAX_CLIPS = 64;

export interface Clip {
  readonly path: string;
  readonly wav: Wav;
}

/**
 * Reads the headers of clips. Samples are not read, so that clips that are too long are refused at little cost.
 * @param maxSeconds of all of them together
 * @throws ApiError `invalid_input` that names the clip and what is wrong with it
 */
export async function readClips(
  items: readonly Item[],
  maxSeconds: number,
  checkpoint: Call["checkpoint"],
): Promise<readonly Clip[]> {
  const clips: Clip[] = [];
  for (const { value, path } of items) {
    const bytes = toFileBytes(value, path, AUDIO_FILE);
    clips.push({ path, wav: parseAudio(bytes, path) });
    await checkpoint();
  }
  const seconds = clips.reduce((sum, { wav }) => sum + wav.frames / wav.sampleRate, 0);
  if (seconds > maxSeconds)
    throw new ApiError(
      "invalid_input",
      `The audio is ${Number(seconds.toFixed(3))} seconds long: a request may have ${maxSeconds} at most; send it in pieces.`,
      { details: { maxSeconds, seconds } },
    );
  return clips;
}

/** @throws ApiError `invalid_input` for more clips than a request may have */
export function checkClipCount(count: number): void {
  if (count <= MAX_CLIPS) return;
  throw new ApiError(
    "invalid_input",
    `inputs has ${count} clips: a request may have ${MAX_CLIPS} at most.`,
    { details: { maxClips: MAX_CLIPS, actual: count } },
  );
}
