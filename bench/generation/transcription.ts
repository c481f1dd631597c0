import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { WHISPER } from "./generation-worker.ts";

const FOLDER = projectPath("test", "fixtures", "speech");
/** Of the recordings: 16 kHz, 16 bits, mono. */
const BYTES_PER_SECOND = 32_000;

/** Seconds of speech, and those in which it was transcribed. */
export interface Transcription {
  readonly speechSeconds: number;
  readonly seconds: number;
}

/** Short recordings after one another, each of which is padded to the model's shortest window. */
export async function measureTranscription(worker: LocalWorker): Promise<Transcription> {
  const recordings = readdirSync(FOLDER)
    .filter((file) => file.endsWith(".wav"))
    .map((file) => Uint8Array.from(readFileSync(join(FOLDER, file))));
  const [first = new Uint8Array()] = recordings;
  await transcribe(worker, first);
  const start = performance.now();
  for (const recording of recordings) await transcribe(worker, recording);
  const bytes = recordings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    speechSeconds: bytes / BYTES_PER_SECOND,
    seconds: (performance.now() - start) / 1000,
  };
}

async function transcribe(worker: LocalWorker, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const response = await fetch(new URL(`/models/${WHISPER}`, worker.url), {
    method: "POST",
    headers: { "content-type": "audio/wav", "cache-control": "no-store" },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${WHISPER} responded ${response.status}: ${text}`);
}

export function toTranscriptionTable(rounds: readonly Transcription[]): Table {
  const { median, min, max } = toSpread(
    rounds.map(({ speechSeconds, seconds }) => speechSeconds / seconds),
  );
  return {
    title: `Recordings of ${(rounds[0]?.speechSeconds ?? 0).toFixed(0)} s in all, transcribed by ${WHISPER}`,
    columns: ["", "seconds of speech a second"],
    rows: [["one after the other", `${median.toFixed(1)} (${min.toFixed(1)} - ${max.toFixed(1)})`]],
  };
}
