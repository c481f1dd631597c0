import { type Segment, type SegmentRule, SpeechSegmenter } from "./speech-segments.ts";

/** How speech is grouped into windows, in samples of the model's rate. */
export interface WindowRule {
  /** Its `pad` is added to windows at both ends. */
  readonly speech: SegmentRule;
  /** The longest window, padding included. */
  readonly maxLength: number;
  /** Silence that ends a window. */
  readonly maxSilence: number;
}

/** A window, with padding, and where its speech ends. */
export interface Window extends Segment {
  readonly speechEnd: number;
}

/** Windows of a probability whose mean decides where speech is cut: 160 ms of silero-vad's. */
const SMOOTHED = 5;

/**
 * Groups speech into windows, while the probabilities of a recording arrive. Segments are part of one window as long as
 * they fit. Where they do not, the window ends in the longest silence of its second half; speech without one is cut where it
 * is least probable. All speech is in a window, and no windows overlap.
 */
export class SpeechWindows {
  readonly #rule: WindowRule;
  readonly #segmenter: SpeechSegmenter;
  /** The longest speech of a window. */
  readonly #limit: number;
  /** After how many samples it is known where speech ended, and a window has all of its padding. */
  readonly #delay: number;
  readonly #probabilities: number[] = [];
  /** Index of the first one that is kept. */
  #first = 0;
  /** Segments that are part of no window yet. */
  #segments: Segment[] = [];
  #finished: Window[] = [];
  #end = 0;

  constructor(rule: WindowRule) {
    const { speech } = rule;
    this.#rule = rule;
    this.#segmenter = new SpeechSegmenter({ ...speech, pad: 0 });
    this.#limit = rule.maxLength - 2 * speech.pad;
    this.#delay = Math.max(speech.minSilence, speech.pad) + speech.windowSamples;
  }

  /** The windows that became certain since the last call. */
  take(): Window[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  /** The first sample that a later window may have. */
  get position(): number {
    const start = this.#segments[0]?.start ?? this.#segmenter.state.start ?? this.#now;
    return Math.max(this.#end, start - this.#rule.speech.pad);
  }

  push(probability: number): void {
    this.#probabilities.push(probability);
    this.#segmenter.push(probability);
    this.#collect();
    while (this.#close(this.#now - this.#delay));
    this.#forget();
  }

  /** Ends the recording, which is `length` samples long. */
  finish(length: number): void {
    this.#segmenter.finish(length);
    this.#collect();
    while (this.#close(Number.POSITIVE_INFINITY));
    const last = this.#finished.at(-1);
    if (last && last.end > length) this.#finished.splice(-1, 1, { ...last, end: length });
  }

  get #now(): number {
    return (this.#first + this.#probabilities.length) * this.#rule.speech.windowSamples;
  }

  #collect(): void {
    for (const { start, end } of this.#segmenter.take())
      if (end > this.#end) this.#segments.push({ start: Math.max(start, this.#end), end });
  }

  /**
   * Ends the next window if it is complete.
   * @param certain all speech before this sample is known
   */
  #close(certain: number): boolean {
    const { state } = this.#segmenter;
    const open =
      certain < Number.POSITIVE_INFINITY && state.start !== undefined
        ? [{ start: Math.max(state.start, this.#end), end: Number.POSITIVE_INFINITY }]
        : [];
    const segments = [...this.#segments, ...open];
    const [first] = segments;
    if (!first) return false;
    const limit = first.start + this.#limit;
    const groupEnd = this.#groupEnd(segments, certain);
    if (groupEnd !== undefined && groupEnd <= limit)
      this.#emit(first.start, groupEnd, this.#rule.speech.pad);
    else if (certain > limit) this.#cut(first.start, limit, segments);
    else return false;
    return true;
  }

  /** Where a silence begins that ends a window, however short it is. */
  #groupEnd(segments: readonly Segment[], certain: number): number | undefined {
    const isLong = ({ end }: Segment, index: number): boolean =>
      Math.min(segments[index + 1]?.start ?? certain, certain) - end >= this.#rule.maxSilence;
    return segments.find(isLong)?.end;
  }

  #cut(start: number, limit: number, segments: readonly Segment[]): void {
    const middle = (start + limit) / 2;
    let best: Segment | undefined;
    for (const [index, { end }] of segments.entries()) {
      if (end > limit) break;
      const silence = { start: end, end: segments[index + 1]?.start ?? Number.POSITIVE_INFINITY };
      const isLonger = !best || silence.end - silence.start >= best.end - best.start;
      if (end >= middle && isLonger) best = silence;
    }
    if (best)
      this.#emit(start, best.start, Math.min(this.#rule.speech.pad, (best.end - best.start) / 2));
    else this.#emit(start, this.#leastProbable(middle, limit), 0);
  }

  #leastProbable(from: number, to: number): number {
    const { windowSamples } = this.#rule.speech;
    const half = (SMOOTHED - 1) / 2;
    let least = Number.POSITIVE_INFINITY;
    let at = to;
    for (let index = Math.ceil(from / windowSamples); (index + 1) * windowSamples <= to; index++) {
      let sum = 0;
      for (let near = index - half; near <= index + half; near++)
        sum += this.#probabilities[near - this.#first] ?? 1;
      if (sum > least) continue;
      least = sum;
      at = (index + 0.5) * windowSamples;
    }
    return Math.trunc(at);
  }

  /** @param padding after the end; before the start it is that of the rule, as far as the window before leaves it */
  #emit(start: number, end: number, padding: number): void {
    const { pad } = this.#rule.speech;
    const window = {
      start: Math.max(this.#end, start - pad),
      end: Math.trunc(end + padding),
      speechEnd: end,
    };
    this.#finished.push(window);
    this.#end = window.end;
    this.#segments = this.#segments
      .filter((segment) => segment.end > end)
      .map((segment) => ({ start: Math.max(segment.start, this.#end), end: segment.end }));
  }

  /** Probabilities of windows that are complete. */
  #forget(): void {
    const { windowSamples } = this.#rule.speech;
    const count = Math.floor(this.position / windowSamples) - SMOOTHED - this.#first;
    if (count < this.#probabilities.length / 2 || count < 1024) return;
    this.#probabilities.splice(0, count);
    this.#first += count;
  }
}
