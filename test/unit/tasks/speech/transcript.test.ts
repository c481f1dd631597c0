import { describe, expect, test } from "vitest";
import type { WindowText } from "../../../../src/tasks/speech/decode-window.ts";
import { TranscriptWriter } from "../../../../src/tasks/speech/transcript.ts";

const FIRST = 1000;
const WORDS = [" one", " two", "three", " "];

function writer(hasChunks = true, hasDetails = false, duration = 20): TranscriptWriter {
  return new TranscriptWriter({
    scale: { first: FIRST, stepSeconds: 0.02 },
    language: "en",
    duration,
    hasChunks,
    hasDetails,
    toText: (tokens) => tokens.map((token) => WORDS[token]).join(""),
  });
}

const at = (seconds: number) => FIRST + Math.round(seconds * 50);

function windowOf(...tokens: number[]): WindowText {
  return {
    tokens,
    temperature: 0.2,
    meanLogprob: -0.5,
    compressionRatio: 1.25,
    noSpeech: 0.125,
    finishReason: "eos_token",
  };
}

describe("a transcript", () => {
  test("has the texts of windows, with a space between them, and times in the recording", () => {
    const transcript = writer();
    expect(
      transcript.add(windowOf(at(0), 0, at(1), at(1.5), 1, at(2)), { start: 2, duration: 4 }),
    ).toEqual({
      index: 0,
      text: "one two",
      chunks: [
        { text: " one", timestamp: [2, 3] },
        { text: " two", timestamp: [3.5, 4] },
      ],
      result: null,
    });
    expect(transcript.add(windowOf(at(0), 2), { start: 7.0004, duration: 1.5 })).toEqual({
      index: 1,
      text: " three",
      chunks: [{ text: "three", timestamp: [7, 8.5] }],
      result: null,
    });
    const { result, ...end } = transcript.end();
    expect(end).toEqual({ index: 2, text: "", chunks: [] });
    expect(result).toEqual({
      text: "one two three",
      chunks: [
        { text: " one", timestamp: [2, 3] },
        { text: " two", timestamp: [3.5, 4] },
        { text: "three", timestamp: [7, 8.5] },
      ],
    });
  });

  test("has no times that decrease or are outside the recording", () => {
    const transcript = writer(true, false, 5.0006);
    transcript.add(windowOf(at(0), 0, at(4)), { start: 1, duration: 4 });
    transcript.add(windowOf(at(0), 1, at(9)), { start: 4.5, duration: 9 });
    expect(transcript.toTranscript().chunks).toEqual([
      { text: " one", timestamp: [1, 5] },
      { text: " two", timestamp: [5, 5] },
    ]);
  });

  test("leaves out windows and segments without text", () => {
    const transcript = writer();
    expect(transcript.add(windowOf(), { start: 0, duration: 5 }).text).toBe("");
    expect(transcript.add(windowOf(at(0), 3, at(1)), { start: 5, duration: 5 }).text).toBe("");
    expect(transcript.toTranscript()).toEqual({ text: "", chunks: [] });
  });

  test("has chunks and details only where they are wanted", () => {
    const plain = writer(false);
    plain.add(windowOf(at(0), 0, at(1)), { start: 0, duration: 2 });
    expect(plain.toTranscript()).toEqual({ text: "one" });
    const detailed = writer(false, true);
    detailed.add(windowOf(at(0), 0, at(1)), { start: 0.5, duration: 2 });
    expect(detailed.toTranscript()).toEqual({
      text: "one",
      details: {
        language: "en",
        duration: 20,
        segments: [
          {
            start: 0.5,
            end: 1.5,
            text: " one",
            tokens: [0],
            window_start: 0.5,
            temperature: 0.2,
            avg_logprob: -0.5,
            compression_ratio: 1.25,
            no_speech_prob: 0.125,
          },
        ],
      },
    });
  });
});
