import type {
  FinishReason,
  GeneratedToken,
} from "../../domain/blocks/postprocess/text-generation.ts";
import { StopStrings } from "../../tasks/generation/sampling/stop-strings.ts";

/** A part of the text-generation task's streamed result. */
export interface GeneratedPart {
  readonly token: GeneratedToken;
  readonly top_tokens?: readonly GeneratedToken[];
  /** Of the last part: the whole text, with the stop string that ended it. */
  readonly generated_text: string | null;
  readonly details: {
    readonly finish_reason: FinishReason;
    readonly generated_tokens: number;
    readonly input_length: number;
  } | null;
}

/** A token of a choice's text, with the most probable ones in its place. */
export interface ChoiceToken {
  readonly token: GeneratedToken;
  readonly top: readonly GeneratedToken[];
}

/** What a token adds to a choice. */
export interface ChoiceDelta {
  readonly index: number;
  /** What is certainly no part of a stop string: whole characters, often none. */
  readonly text: string;
  /** None for a token that is no part of the text. */
  readonly tokens: readonly ChoiceToken[];
  /** Of the last delta. */
  readonly finishReason: "stop" | "length" | undefined;
  /** Of the last delta. */
  readonly usage: ChoiceUsage | undefined;
}

export interface ChoiceUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** The text of one choice, without the stop string that ends it. */
export class ChoiceText {
  readonly #index: number;
  readonly #stops: StopStrings;
  readonly #isCompleted: boolean;
  /** Of the task's text until now. */
  #length = 0;

  /** @param isCompleted whether the limit of tokens only shortens the text, and does not cut it */
  constructor(index: number, stops: readonly string[], isCompleted = false) {
    this.#index = index;
    this.#stops = new StopStrings(stops);
    this.#isCompleted = isCompleted;
  }

  add({ token, top_tokens: top = [], generated_text, details }: GeneratedPart): ChoiceDelta {
    const isLast = generated_text !== null;
    // The last token may complete the text of others, also where it is no part of the text itself.
    const added = isLast ? generated_text.slice(this.#length) : token.special ? "" : token.text;
    this.#length += added.length;
    const { text, stopped } = this.#stops.push(added);
    return {
      index: this.#index,
      text: isLast && !stopped ? text + this.#stops.end() : text,
      tokens: token.special ? [] : [{ token, top }],
      finishReason: details ? this.#toFinishReason(details.finish_reason) : undefined,
      usage: details
        ? { promptTokens: details.input_length, completionTokens: details.generated_tokens }
        : undefined,
    };
  }

  /** Clients do not parse the JSON of an answer whose reason is `length`. */
  #toFinishReason(reason: FinishReason): "stop" | "length" {
    return reason === "length" && !this.#isCompleted ? "length" : "stop";
  }
}
