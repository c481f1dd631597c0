import type {
  FinishReason,
  GeneratedToken,
  PromptToken,
} from "../../domain/blocks/postprocess/text-generation.ts";
import { StopStrings } from "../../tasks/generation/sampling/stop-strings.ts";

/** A part of the text-generation task's streamed result. */
export interface GeneratedPart {
  readonly token: GeneratedToken;
  readonly top_tokens?: readonly GeneratedToken[];
  /** Of the first part, where the tokens of the prompt are requested. */
  readonly prefill?: readonly PromptToken[];
  /** Of the last part: the whole text, with the stop string that ended it. */
  readonly generated_text: string | null;
  readonly details: {
    readonly finish_reason: FinishReason;
    readonly generated_tokens: number;
    readonly input_length: number;
    readonly cached_tokens?: number | undefined;
  } | null;
}

/** A token of a choice's text, with the most probable ones in its place. */
export interface ChoiceToken {
  readonly token: Pick<GeneratedToken, "text" | "logprob">;
  readonly top: readonly GeneratedToken[];
}

/** A token of a prompt. The first one has no probability. */
export interface EchoedToken {
  readonly token: Pick<PromptToken, "text" | "logprob">;
  readonly top: readonly GeneratedToken[];
}

/** What a token adds to a choice. */
export interface ChoiceDelta {
  readonly index: number;
  /** What is certainly no part of a stop string: whole characters, often none. */
  readonly text: string;
  /** None for a token that is no part of the text. */
  readonly tokens: readonly ChoiceToken[];
  /** The tokens of the prompt that was sent: of the first delta, where they are requested. */
  readonly prompt: readonly EchoedToken[] | undefined;
  /** Of the last delta. */
  readonly finishReason: "stop" | "length" | undefined;
  /** Of the last delta. */
  readonly usage: ChoiceUsage | undefined;
}

export interface ChoiceUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

export interface ChoiceTextOptions {
  readonly stops: readonly string[];
  /** Whether the limit of tokens only shortens the text, and does not cut it. */
  readonly isCompleted: boolean;
  /** Whether the prompt alone is wanted, of which the task generates one token all the same. */
  readonly isEchoOnly: boolean;
}

/** The text of one choice, without the stop string that ends it. */
export class ChoiceText {
  readonly #index: number;
  readonly #stops: StopStrings;
  readonly #isCompleted: boolean;
  readonly #isEchoOnly: boolean;
  /** Of the task's text until now. */
  #length = 0;

  constructor(index: number, { stops, isCompleted, isEchoOnly }: ChoiceTextOptions) {
    this.#index = index;
    this.#stops = new StopStrings(stops);
    this.#isCompleted = isCompleted;
    this.#isEchoOnly = isEchoOnly;
  }

  add(part: GeneratedPart): ChoiceDelta {
    const { token, top_tokens: top = [], prefill, generated_text, details } = part;
    const prompt = prefill
      ?.filter(({ added }) => !added)
      .map((each) => ({ token: each, top: each.top_tokens ?? [] }));
    const isLast = generated_text !== null;
    // The last token may complete the text of others, also where it is no part of the text itself.
    const added = isLast ? generated_text.slice(this.#length) : token.special ? "" : token.text;
    this.#length += added.length;
    const { text, stopped } = this.#stops.push(added);
    if (this.#isEchoOnly)
      return {
        index: this.#index,
        text: "",
        tokens: [],
        prompt,
        finishReason: details ? "length" : undefined,
        usage: details ? toUsage(details, 0) : undefined,
      };
    return {
      index: this.#index,
      text: isLast && !stopped ? text + this.#stops.end() : text,
      tokens: token.special ? [] : [{ token, top }],
      prompt,
      finishReason: details ? this.#toFinishReason(details.finish_reason) : undefined,
      usage: details ? toUsage(details, details.generated_tokens) : undefined,
    };
  }

  /** Clients do not parse the JSON of an answer whose reason is `length`. */
  #toFinishReason(reason: FinishReason): "stop" | "length" {
    return reason === "length" && !this.#isCompleted ? "length" : "stop";
  }
}

function toUsage(
  {
    input_length: promptTokens,
    cached_tokens: cachedTokens = 0,
  }: NonNullable<GeneratedPart["details"]>,
  completionTokens: number,
): ChoiceUsage {
  return { promptTokens, cachedTokens, completionTokens };
}
