import * as z from "zod";
import type { ChoiceDelta } from "./choice-text.ts";

const tokens = z.int().min(0);

export const usageSchema = z.strictObject({
  prompt_tokens: tokens.describe(
    "Tokens of the prompts that the model read, special ones included.",
  ),
  completion_tokens: tokens.describe("Tokens of all choices, those that end a text included."),
  total_tokens: tokens,
  prompt_tokens_details: z.strictObject({
    cached_tokens: tokens.describe(
      "Of the prompts' tokens, those that were not read again: the model has kept them of an earlier request of the same client.",
    ),
  }),
});

export type GenerationUsage = z.output<typeof usageSchema>;

/** Counts the tokens of a request's choices. */
export class UsageCounter {
  readonly #choicesPerPrompt: number;
  #promptTokens = 0;
  #cachedTokens = 0;
  #completionTokens = 0;

  /** @param choicesPerPrompt the choices of a prompt follow one another */
  constructor(choicesPerPrompt: number) {
    this.#choicesPerPrompt = choicesPerPrompt;
  }

  add({ index, usage }: ChoiceDelta): void {
    if (!usage) return;
    if (index % this.#choicesPerPrompt === 0) {
      this.#promptTokens += usage.promptTokens;
      this.#cachedTokens += usage.cachedTokens;
    }
    this.#completionTokens += usage.completionTokens;
  }

  toUsage(): GenerationUsage {
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: this.#completionTokens,
      total_tokens: this.#promptTokens + this.#completionTokens,
      prompt_tokens_details: { cached_tokens: this.#cachedTokens },
    };
  }
}
