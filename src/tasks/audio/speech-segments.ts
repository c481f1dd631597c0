/**
 * Probabilities of windows as segments of speech: the rule of `get_speech_timestamps` of silero-vad
 * (https://github.com/snakers4/silero-vad, MIT), without its maximum duration, window by window and
 * with a state, so that a stream has the segments of the whole recording.
 *
 * - A window at `threshold` or above begins a segment.
 * - A window below `negThreshold` may end it; it does once silence has lasted for `minSilence`.
 * - A segment of `minSpeech` or less is dropped.
 * - Segments are extended by `pad` at both ends, or by half of the silence between two where that is shorter.
 *
 * Times are in samples of the model's rate.
 */
export interface SegmentRule {
  readonly windowSamples: number;
  readonly threshold: number;
  readonly negThreshold: number;
  readonly minSpeech: number;
  readonly minSilence: number;
  readonly pad: number;
}

export interface Segment {
  readonly start: number;
  readonly end: number;
}

/** The state from which a segmenter continues. */
export interface SegmenterState {
  /** Windows so far. */
  readonly windows: number;
  /** Where the open segment began. */
  readonly start: number | undefined;
  /** Where the silence began that may end it. */
  readonly silence: number | undefined;
  /** A segment whose start is extended already; its end depends on the start of the next one. */
  readonly held: Segment | undefined;
}

export const INITIAL_SEGMENTER: SegmenterState = {
  windows: 0,
  start: undefined,
  silence: undefined,
  held: undefined,
};

export class SpeechSegmenter {
  readonly #rule: SegmentRule;
  #windows: number;
  #start: number | undefined;
  #silence: number | undefined;
  #held: Segment | undefined;
  #finished: Segment[] = [];

  constructor(rule: SegmentRule, state: SegmenterState = INITIAL_SEGMENTER) {
    this.#rule = rule;
    this.#windows = state.windows;
    this.#start = state.start;
    this.#silence = state.silence;
    this.#held = state.held;
  }

  get state(): SegmenterState {
    return {
      windows: this.#windows,
      start: this.#start,
      silence: this.#silence,
      held: this.#held,
    };
  }

  /** The segments that became certain since the last call. */
  take(): Segment[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  push(probability: number): void {
    const { windowSamples, threshold, negThreshold, minSilence } = this.#rule;
    const now = windowSamples * this.#windows++;
    if (probability >= threshold) {
      this.#silence = undefined;
      this.#start ??= now;
    } else if (probability < negThreshold && this.#start !== undefined) {
      this.#silence ??= now;
      if (now - this.#silence >= minSilence) this.#close(this.#start, this.#silence);
    }
    this.#releaseHeld(this.#start ?? now);
  }

  /** Ends the recording, which is `length` samples long. */
  finish(length: number): void {
    if (this.#start !== undefined) this.#close(this.#start, length);
    if (this.#held)
      this.#finished.push({
        start: this.#held.start,
        end: Math.trunc(Math.min(length, this.#held.end + this.#rule.pad)),
      });
    this.#held = undefined;
  }

  #close(start: number, end: number): void {
    const { minSpeech, pad } = this.#rule;
    this.#start = undefined;
    this.#silence = undefined;
    if (end - start <= minSpeech) return;
    const gap = this.#held ? start - this.#held.end : Number.POSITIVE_INFINITY;
    const shared = gap < 2 * pad ? Math.floor(gap / 2) : pad;
    if (this.#held)
      this.#finished.push({
        start: this.#held.start,
        end: gap < 2 * pad ? this.#held.end + shared : Math.trunc(this.#held.end + pad),
      });
    this.#held = { start: Math.trunc(Math.max(0, start - shared)), end };
  }

  /** No segment that begins at `next` or later can shorten the extension of the held segment. */
  #releaseHeld(next: number): void {
    const { pad } = this.#rule;
    if (!this.#held || next - this.#held.end < 2 * pad) return;
    this.#finished.push({
      start: this.#held.start,
      end: Math.trunc(this.#held.end + pad),
    });
    this.#held = undefined;
  }
}
