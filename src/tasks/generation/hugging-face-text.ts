import type {
  FinishReason,
  GeneratedText,
  GeneratedToken,
  GenerationParameters,
} from "../../domain/blocks/postprocess/text-generation.ts";
import type { GeneratedStep } from "./generate.ts";
import type { PromptTokens } from "./prompt-tokens.ts";

/** What the form of results needs beside the tokens. */
export interface TextForm {
  readonly parameters: Pick<GenerationParameters, "return_full_text" | "details" | "top_n_tokens"> &
    Partial<Pick<GenerationParameters, "raw_logprobs">>;
  readonly prompt: string;
  readonly promptTokens: number;
  /** Of those, which were not read again; left out where none are kept. */
  readonly cachedTokens?: number;
  /** Of tokens that are drawn. */
  readonly seed: number | undefined;
  /** The tokens of the prompt, where they are requested. */
  readonly prefill?: PromptTokens | undefined;
  /** The content of a token that is no part of the text. */
  specialToken(id: number): string | undefined;
  /** The text of a token alone. */
  tokenText(id: number): string;
}

/** A token with those that were as probable, where they are wanted. */
interface DescribedToken {
  readonly token: GeneratedToken;
  readonly topTokens: GeneratedToken[] | undefined;
}

/**
 * Results in the form of Hugging Face's server for text generation, whole and in parts
 * (https://huggingface.github.io/text-generation-inference).
 */
export class HuggingFaceText {
  readonly #form: TextForm;
  readonly #described: DescribedToken[] = [];
  #text: string;
  #generatedTokens = 0;
  #finishReason: FinishReason | undefined;

  constructor(form: TextForm) {
    this.#form = form;
    this.#text = form.parameters.return_full_text ? form.prompt : "";
  }

  get generatedTokens(): number {
    return this.#generatedTokens;
  }

  /** Adds a token to the whole result. */
  add(step: GeneratedStep): void {
    this.#append(step);
    if (this.#form.parameters.details) this.#described.push(this.#describe(step));
  }

  /** Adds a token; returns the part of a streamed result. */
  addPart(step: GeneratedStep): object {
    this.#append(step);
    const { token, topTokens } = this.#describe(step);
    const isLast = step.finishReason !== undefined;
    const prefill = this.#generatedTokens === 1 ? this.#form.prefill?.tokens : undefined;
    return {
      index: this.#generatedTokens,
      token,
      ...(topTokens && { top_tokens: topTokens }),
      ...(prefill && { prefill }),
      generated_text: isLast ? this.#text : null,
      details:
        isLast && this.#form.parameters.details
          ? {
              ...this.#ending(),
              input_length: this.#form.promptTokens,
              ...(this.#form.cachedTokens !== undefined && {
                cached_tokens: this.#form.cachedTokens,
              }),
            }
          : null,
    };
  }

  /** The whole result, of the tokens that were added. */
  toResult(): GeneratedText {
    const text = { generated_text: this.#text };
    if (!this.#form.parameters.details) return text;
    const topTokens = this.#described.flatMap(({ topTokens }) => (topTokens ? [topTokens] : []));
    return {
      ...text,
      details: {
        ...this.#ending(),
        prefill: [...(this.#form.prefill?.tokens ?? [])],
        tokens: this.#described.map(({ token }) => token),
        ...(topTokens.length > 0 && { top_tokens: topTokens }),
      },
    };
  }

  #append({ text, finishReason }: GeneratedStep): void {
    this.#text += text;
    this.#generatedTokens += 1;
    this.#finishReason = finishReason;
  }

  #ending() {
    if (!this.#finishReason) throw new Error("the text has not ended");
    return {
      finish_reason: this.#finishReason,
      generated_tokens: this.#generatedTokens,
      seed: this.#form.seed ?? null,
    };
  }

  /** Probabilities are computed only here, where they are wanted. */
  #describe({ sampled, text }: GeneratedStep): DescribedToken {
    const { parameters, tokenText } = this.#form;
    const { top_n_tokens: count = 0, raw_logprobs: isRaw } = parameters;
    const logprob = isRaw ? sampled.rawLogprob : sampled.logprob;
    const top = count === 0 ? undefined : isRaw ? sampled.rawTop(count) : sampled.top(count);
    const topTokens = top?.map((each) =>
      this.#toToken(each.token, () => tokenText(each.token), each.logprob),
    );
    return { token: this.#toToken(sampled.token, () => text, logprob), topTokens };
  }

  #toToken(id: number, textOf: () => string, logprob: number): GeneratedToken {
    const special = this.#form.specialToken(id);
    return { id, text: special ?? textOf(), logprob, special: special !== undefined };
  }
}
