import { expect, test } from "vitest";
import {
  decodeStreamState,
  encodeStreamState,
  type StateLengths,
  type StreamState,
} from "../../../../src/tasks/audio/stream-state.ts";
import { catchApiError } from "../../../support/errors.ts";

const DIGEST = "0123456789abcdef".repeat(4);
const LENGTHS: StateLengths = { history: 2, context: 3, waiting: 1, recurrent: 4, windows: 5 };
const STATE: StreamState = {
  sampleRate: 44_100,
  resampler: { received: 7777, history: Float32Array.of(0.25, -0.5) },
  framing: { context: Float32Array.of(1, 2, 3), waiting: Float32Array.of(0.125) },
  recurrent: Float32Array.of(-1, 1e-20, 3e20, 0),
  segmenter: { windows: 5, start: 512, silence: 2048, held: { start: 0, end: 480 } },
};
const token = encodeStreamState(STATE, DIGEST);
const decode = (text: string, digest = DIGEST, lengths: StateLengths = LENGTHS): StreamState =>
  decodeStreamState(text, digest, () => lengths);

test("a state is encoded to a URL-safe string, and decoded unchanged", () => {
  expect(token).toMatch(/^[\w-]+$/);
  expect(decode(token)).toEqual(STATE);
});

test("absent fields of a state are absent after decoding", () => {
  const segmenter = { windows: 5, start: undefined, silence: undefined, held: undefined };
  expect(decode(encodeStreamState({ ...STATE, segmenter }, DIGEST)).segmenter).toEqual(segmenter);
});

test("the lengths follow from the sample rate and the samples so far", () => {
  const seen: unknown[] = [];
  decodeStreamState(token, DIGEST, (header) => {
    seen.push(header);
    return LENGTHS;
  });
  expect(seen).toEqual([{ sampleRate: 44_100, received: 7777 }]);
});

const withHistory = (...history: number[]): StreamState => ({
  ...STATE,
  resampler: { received: 7777, history: Float32Array.from(history) },
});

test.each<[name: string, text: string, message: string]>([
  ["no base64", "a state!", "it is not base64url"],
  ["nothing", "", "it is not a state of this service"],
  ["something else", btoa("x".repeat(500)), "it is not a state of this service"],
  ["a cut one", token.slice(0, -8), "it is damaged or truncated"],
  ["a changed one", change(token, 100), "it is damaged or truncated"],
  ["a changed digest", change(token, 10), "it is damaged or truncated"],
  ["another layout", change(token, 4), "its layout is version"],
  ["a longer one", encodeStreamState(withHistory(1, 2, 3), DIGEST), "does not have the size"],
  ["NaN", encodeStreamState(withHistory(1, Number.NaN), DIGEST), "it holds NaN or infinity"],
  [
    "a fraction of a sample",
    encodeStreamState(
      { ...STATE, resampler: { received: 1.5, history: new Float32Array(2) } },
      DIGEST,
    ),
    "its numbers are not those of a stream",
  ],
  [
    "too many samples",
    encodeStreamState(
      { ...STATE, resampler: { received: 2 ** 50, history: new Float32Array(2) } },
      DIGEST,
    ),
    "its numbers are not those of a stream",
  ],
  [
    "silence without speech",
    encodeStreamState({ ...STATE, segmenter: { ...STATE.segmenter, start: undefined } }, DIGEST),
    "its numbers are not those of a stream",
  ],
])("%s is refused", (_, text, message) => {
  const error = catchApiError("invalid_input", () => decode(text));
  expect(error.message).toContain('The parameter "state" is not valid');
  expect(error.message).toContain(message);
});

test("a state of another model is refused", () => {
  const error = catchApiError("invalid_input", () => decode(token, "f".repeat(64)));
  expect(error.message).toContain("it is of another model or version");
});

/** The token with one byte changed. */
function change(text: string, offset: number): string {
  const bytes = Buffer.from(text, "base64url");
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  return bytes.toString("base64url");
}
