import type {
  GeneratedToken,
  PromptToken,
} from "../../domain/blocks/postprocess/text-generation.ts";
import type { TokenDecoder } from "../text/token-decoder.ts";
import type { PromptScores } from "./generate.ts";
import type { Prompt } from "./prompt.ts";
import { mostProbable, rawLogprobOf } from "./sampling/sampler.ts";

export interface PromptTokensOptions {
  /** How many of the most probable tokens are described beside each. */
  readonly topTokens: number;
  /** A token alone. */
  describe(id: number, logprob: number): GeneratedToken;
}

/** The tokens of a prompt, with the probabilities that the model gives them. */
export class PromptTokens implements PromptScores {
  readonly #tokens: PromptToken[];
  readonly #options: PromptTokensOptions;

  /** @param text of the tokens, which has not begun */
  constructor(
    { ids, added }: Pick<Prompt, "ids" | "added">,
    text: TokenDecoder,
    options: PromptTokensOptions,
  ) {
    this.#options = options;
    this.#tokens = ids.map((id, place) => {
      const { text: alone, special } = options.describe(id, 0);
      const written = text.push(id) + (place === ids.length - 1 ? text.end() : "");
      return { id, text: special ? alone : written, logprob: null, special, added: place < added };
    });
  }

  add(place: number, logits: Float32Array): void {
    const token = this.#tokens[place];
    if (!token) throw new Error(`the prompt has no token ${place}`);
    token.logprob = rawLogprobOf(logits, token.id);
    const { topTokens, describe } = this.#options;
    if (topTokens > 0)
      token.top_tokens = mostProbable(logits, topTokens).map(({ token: id, logprob }) =>
        describe(id, logprob),
      );
  }

  /** Once the prompt is read. */
  get tokens(): readonly PromptToken[] {
    return this.#tokens;
  }
}
