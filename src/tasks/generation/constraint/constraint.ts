import { ApiError } from "../../../domain/errors.ts";
import type { Steps } from "../../text/word-model.ts";
import { Automaton, type Position } from "./automaton.ts";
import type { Rule } from "./grammar.ts";
import { createTokenMask, eachToken, maskBytes, type TokenMask } from "./token-mask.ts";
import type { TokenTrie } from "./token-trie.ts";

/** The memory of a grammar's masks that are remembered, for later tokens and texts. */
const MAX_MASK_BYTES = 1_048_576;

/** A grammar with the tokens of a model. Texts share what is known of it. */
export class TokenGrammar {
  readonly automaton: Automaton;
  readonly trie: TokenTrie;
  readonly states: number;
  #masks = new Map<Position, TokenMask>();
  #maskBytes = 0;

  /** @param states that the grammar has: a measure of its memory */
  constructor(rule: Rule, trie: TokenTrie, states: number) {
    this.automaton = new Automaton(rule);
    this.trie = trie;
    this.states = states;
  }

  /** @throws ApiError `invalid_request` for a grammar without a text that fits into so many tokens */
  check(maxNewTokens: number): void {
    const { rest } = this.automaton.start;
    if (rest === Number.POSITIVE_INFINITY)
      throw new ApiError(
        "invalid_request",
        '"grammar" cannot be followed: the tokens of the model can write no text that it accepts.',
        { details: { field: "grammar" } },
      );
    if (rest <= maxNewTokens) return;
    throw new ApiError(
      "invalid_request",
      `"max_new_tokens" is ${maxNewTokens}, and the shortest text that "grammar" accepts takes ${rest} tokens.`,
      { details: { field: "max_new_tokens", shortest: rest, maxNewTokens } },
    );
  }

  *maskOf(position: Position): Steps<TokenMask> {
    const known = this.#masks.get(position);
    if (known) return known;
    const mask = yield* createTokenMask(this.automaton, position, this.trie);
    this.#maskBytes += maskBytes(mask);
    if (this.#maskBytes > MAX_MASK_BYTES) {
      this.#masks = new Map();
      this.#maskBytes = maskBytes(mask);
    }
    this.#masks.set(position, mask);
    return mask;
  }
}

/**
 * Keeps one text to a grammar, and completes it within its tokens: a token is only taken if what remains of the text fits
 * into the tokens that are left.
 */
export class Constraint {
  readonly #grammar: TokenGrammar;
  readonly #bytesOf: (token: number) => Uint8Array | undefined;
  #position: Position;
  #tokensLeft: number;
  #mask: TokenMask | undefined;
  #allowed = new Float32Array();
  /** Whether the limit of tokens excluded the most probable token of those that the grammar accepts. */
  #isShortened = false;

  /** @param maxTokens at least as many as the shortest text has */
  constructor(
    grammar: TokenGrammar,
    bytesOf: (token: number) => Uint8Array | undefined,
    maxTokens: number,
  ) {
    this.#grammar = grammar;
    this.#bytesOf = bytesOf;
    this.#position = grammar.automaton.start;
    this.#tokensLeft = maxTokens;
  }

  /** Finds the tokens that may come next: before each token, all of its steps. */
  *prepare(): Steps<void> {
    this.#mask = yield* this.#grammar.maskOf(this.#position);
  }

  /**
   * Excludes all other tokens. Where the parameters of the request have excluded all of those that may come next, their
   * own logits count.
   * @param raw the model's own logits
   */
  readonly mask = (logits: Float32Array, _history: unknown, raw = logits): void => {
    const mask = this.#mask;
    if (!mask) throw new Error("the mask of the token is not prepared");
    if (this.#allowed.length !== logits.length) this.#allowed = new Float32Array(logits.length);
    const isExcluded = this.#fill(mask, logits);
    const best = this.#best();
    if (best === Number.NEGATIVE_INFINITY) {
      this.#fill(mask, raw);
      if (this.#best() === Number.NEGATIVE_INFINITY) this.#fill(mask, new Float32Array(raw.length));
    }
    if (isExcluded && this.#bestExcluded(mask, logits) > best) this.#isShortened = true;
    logits.set(this.#allowed);
  };

  /**
   * Goes on with a token.
   * @returns whether the text is complete: no other token can follow
   */
  accept(token: number): boolean {
    this.#mask = undefined;
    this.#tokensLeft -= 1;
    if (this.#grammar.trie.eosTokenIds.includes(token)) return true;
    let position: Position | null = this.#position;
    for (const byte of this.#bytesOf(token) ?? [])
      position = position && this.#grammar.automaton.step(position, byte);
    if (!position) throw new Error(`token ${token} is not part of the grammar`);
    this.#position = position;
    return position.isComplete && position.places.length === 0;
  }

  /** Whether the limit of tokens has changed the text. */
  get isShortened(): boolean {
    return this.#isShortened;
  }

  /** @returns whether tokens of the grammar were left out because of the limit */
  #fill({ groups, ends }: TokenMask, logits: Float32Array): boolean {
    const allowed = this.#allowed.fill(Number.NEGATIVE_INFINITY);
    let isExcluded = false;
    const take = (token: number): void => {
      // A tokenizer may have more tokens than the model.
      if (token < allowed.length) allowed[token] = logits[token] as number;
    };
    for (const group of groups) {
      if (group.rest < this.#tokensLeft) eachToken(group, take);
      else isExcluded = true;
    }
    if (ends) for (const token of this.#grammar.trie.eosTokenIds) take(token);
    return isExcluded;
  }

  #best(): number {
    let best = Number.NEGATIVE_INFINITY;
    for (const logit of this.#allowed) if (logit > best) best = logit;
    return best;
  }

  #bestExcluded({ groups }: TokenMask, logits: Float32Array): number {
    let best = Number.NEGATIVE_INFINITY;
    for (const group of groups)
      if (group.rest >= this.#tokensLeft)
        eachToken(group, (token) => {
          best = Math.max(best, logits[token] ?? best);
        });
    return best;
  }
}
