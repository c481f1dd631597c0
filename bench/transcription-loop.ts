import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";

export interface TranscriptionRate {
  readonly speechSeconds: number;
  readonly seconds: number;
}

/**
 * Runs the graphs of whisper-tiny-en in a separate Node process, one thread, for each recording of `test/fixtures/speech`:
 * features, encoder, and as many runs of the decoder as its text has tokens. No HTTP, no voice activity, no rules for tokens.
 */
export async function runTranscriptionLoop(seconds: number): Promise<TranscriptionRate> {
  const program = projectPath("bench", "transcription-loop-process.ts");
  return JSON.parse(await runNode([program], { input: String(seconds) })) as TranscriptionRate;
}
