import type {
  Transcript,
  TranscriptSegment,
} from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { WindowText } from "./decode-window.ts";
import { type TimeScale, toSegments } from "./transcript-segments.ts";

/** The window that a text is of, in seconds. */
export interface WindowPlace {
  readonly start: number;
  readonly duration: number;
}

export interface TranscriptForm {
  readonly scale: TimeScale;
  readonly language: string;
  /** Of the audio, in seconds. */
  readonly duration: number;
  readonly hasChunks: boolean;
  readonly hasDetails: boolean;
  toText(tokens: readonly number[]): string;
}

type Chunk = NonNullable<Transcript["chunks"]>[number];

/** What a window adds to a transcript. */
export interface TranscriptPart {
  readonly index: number;
  readonly text: string;
  readonly chunks?: readonly Chunk[];
  /** Of the last part. */
  readonly result: Transcript | null;
}

/** Collects the texts of the windows of a recording. */
export class TranscriptWriter {
  readonly #form: TranscriptForm;
  readonly #chunks: Chunk[] = [];
  readonly #segments: TranscriptSegment[] = [];
  #text = "";
  #parts = 0;
  #end = 0;

  constructor(form: TranscriptForm) {
    this.#form = form;
  }

  /** Adds a window, which follows those before. */
  add(window: WindowText, { start, duration }: WindowPlace): TranscriptPart {
    const { scale, hasChunks, hasDetails, toText } = this.#form;
    const chunks: Chunk[] = [];
    let text = "";
    for (const segment of toSegments(window.tokens, scale, duration)) {
      const own = toText(segment.tokens);
      if (own.trim() === "") continue;
      const from = this.#time(start + segment.start);
      const to = this.#time(start + segment.end);
      text += own;
      chunks.push({ text: own, timestamp: [from, to] });
      if (hasDetails) this.#segments.push(toDetails(window, segment.tokens, own, from, to, start));
    }
    const added = this.#append(text);
    if (hasChunks) this.#chunks.push(...chunks);
    return { index: this.#parts++, text: added, ...(hasChunks && { chunks }), result: null };
  }

  /** The last part, without a text of its own. */
  end(): TranscriptPart {
    const { hasChunks } = this.#form;
    const result = this.toTranscript();
    return { index: this.#parts++, text: "", ...(hasChunks && { chunks: [] }), result };
  }

  toTranscript(): Transcript {
    const { hasChunks, hasDetails, language, duration } = this.#form;
    return {
      text: this.#text,
      ...(hasChunks && { chunks: this.#chunks }),
      ...(hasDetails && { details: { language, duration, segments: this.#segments } }),
    };
  }

  /** Times do not decrease, and lie within the recording. */
  #time(seconds: number): number {
    const rounded = Math.round(seconds * 1000) / 1000;
    const last = Math.floor(this.#form.duration * 1000) / 1000;
    this.#end = Math.max(this.#end, Math.min(rounded, last));
    return this.#end;
  }

  /** @returns what is added, with a space between two windows */
  #append(text: string): string {
    const own = this.#text === "" ? text.trimStart() : text;
    const added = own === "" || this.#text === "" || /^\s/.test(own) ? own : ` ${own}`;
    this.#text += added;
    return added;
  }
}

function toDetails(
  window: WindowText,
  tokens: readonly number[],
  text: string,
  start: number,
  end: number,
  windowStart: number,
): TranscriptSegment {
  return {
    start,
    end,
    text,
    tokens: [...tokens],
    window_start: Math.round(windowStart * 1000) / 1000,
    temperature: window.temperature,
    avg_logprob: window.meanLogprob,
    compression_ratio: window.compressionRatio,
    no_speech_prob: window.noSpeech,
  };
}
