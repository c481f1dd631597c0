import { readFileSync } from "node:fs";
import { emulateWorker } from "../scripts/worker-modules.ts";
import { findModel } from "../test/support/publish.ts";
import { readSpeech, spokenRecordings } from "../test/support/spoken-recordings.ts";
import type { TranscriptionRate } from "./transcription-loop.ts";

// The program behind transcription-loop.ts: reads how many seconds to measure from standard input, prints a TranscriptionRate.
emulateWorker();
const { WhisperGraphs } = await import("../test/support/whisper-graphs.ts");
const recordings = spokenRecordings().map((recording) => ({
  ...recording,
  samples: readSpeech(recording.name).samples,
}));
const whisper = await WhisperGraphs.create(findModel("whisper-tiny-en"));
const duration = Number(readFileSync(0, "utf8"));
await transcribeAll();
const start = performance.now();
let speechSeconds = 0;
do speechSeconds += await transcribeAll();
while (performance.now() - start < duration * 1000);
const rate: TranscriptionRate = { speechSeconds, seconds: (performance.now() - start) / 1000 };
console.log(JSON.stringify(rate));

/** @returns seconds of speech */
async function transcribeAll(): Promise<number> {
  for (const { samples, tokens } of recordings) {
    const window = await whisper.open(samples);
    let ids: readonly number[] = whisper.block.startTokenIds;
    let before = 0;
    // Tokens that are known, so that the number of runs is that of a text.
    for (const token of tokens) {
      const logits = whisper.decode(ids, before, window);
      logits.indexOf(logits.reduce((most, logit) => Math.max(most, logit)));
      before += ids.length;
      ids = [token];
    }
    whisper.close(window);
  }
  return recordings.reduce((sum, { seconds }) => sum + seconds, 0);
}
