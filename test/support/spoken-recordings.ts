import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";

/** A recording of `test/fixtures/speech`, with the tokens of Python on the same graphs. */
export interface SpokenRecording {
  readonly name: string;
  readonly text: string;
  readonly seconds: number;
  readonly tokens: readonly number[];
}

export function spokenRecordings(): SpokenRecording[] {
  const file = projectPath("test", "fixtures", "speech", "transcripts.json");
  const { recordings }: { recordings: Partial<SpokenRecording>[] } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  return recordings.filter((recording): recording is SpokenRecording => "tokens" in recording);
}

/** WAV files of soundfile have nothing but the format before the samples. */
const HEADER_BYTES = 44;

export function readSpeech(name: string): { wav: Uint8Array<ArrayBuffer>; samples: Float32Array } {
  const wav = Uint8Array.from(
    readFileSync(projectPath("test", "fixtures", "speech", `${name}.wav`)),
  );
  const integers = new Int16Array(wav.slice(HEADER_BYTES).buffer);
  return { wav, samples: Float32Array.from(integers, (sample) => sample / 32_768) };
}
