import { ApiError } from "../../../domain/errors.ts";
import type { Grammar } from "../../../domain/grammar.ts";
import { LruMap } from "../../../shared/lru-map.ts";
import { createTokenBytes, type TokenBytes } from "../../text/token-bytes.ts";
import type { Steps } from "../../text/word-model.ts";
import { Constraint, TokenGrammar } from "./constraint.ts";
import { GrammarBuilder, type Rule } from "./grammar.ts";
import { checkGrammarSize } from "./grammar-size.ts";
import { addSchema } from "./json-schema.ts";
import { findShortestWays } from "./shortest-ways.ts";
import { addExpression } from "./texts.ts";
import { createTokenTrie, type TokenTrie } from "./token-trie.ts";

/** Grammars that are kept for later requests: clients send the same one again. */
const MAX_KEPT = 2;
/** States of one that is kept. */
const MAX_KEPT_STATES = 6000;
/** States of all grammars in use: about 15 MB. */
const MAX_STATES_IN_USE = 60_000;

/** A grammar that a request uses until it is disposed. */
export interface CompiledGrammar extends Disposable {
  /** @throws ApiError `invalid_request` where no text fits into so many tokens */
  check(maxNewTokens: number): void;
  /** The constraint of one text. */
  constrain(maxNewTokens: number): Constraint;
}

/** What the texts of one model may be held to. */
export interface Constraints {
  /**
   * @param expiresAt when the request has ended, also where it was cut off, in milliseconds since the epoch
   * @throws ApiError `invalid_request` for a grammar that cannot be followed, `overloaded` for more than fit into memory
   */
  compile(grammar: Grammar, expiresAt: number): Steps<CompiledGrammar>;
}

/** @param tokenizerJson a parsed tokenizer.json; only read with the first grammar */
export function createConstraints(
  tokenizerJson: () => unknown,
  eosTokenIds: readonly number[],
  now: () => number = Date.now,
): Constraints {
  let tokens: { readonly bytes: TokenBytes; readonly trie: TokenTrie } | undefined;
  const kept = new LruMap<string, TokenGrammar>(MAX_KEPT);
  const uses = new Set<{ readonly grammar: TokenGrammar; readonly expiresAt: number }>();

  const use = (grammar: TokenGrammar, expiresAt: number) => {
    for (const other of uses) if (other.expiresAt < now()) uses.delete(other);
    const inUse = new Set([...uses].map((each) => each.grammar)).add(grammar);
    const states = [...inUse].reduce((sum, each) => sum + each.states, 0);
    if (states > MAX_STATES_IN_USE)
      throw new ApiError(
        "overloaded",
        `The grammars of all requests in flight have ${states} states, and ${MAX_STATES_IN_USE} fit into memory: try again when others have ended.`,
      );
    const added = { grammar, expiresAt };
    uses.add(added);
    return added;
  };

  return {
    *compile(grammar, expiresAt) {
      checkGrammarSize(grammar);
      if (!tokens) {
        const bytes = createTokenBytes(tokenizerJson());
        const trie = yield* createTokenTrie(bytes.vocabularySize, bytes.bytesOf, eosTokenIds);
        tokens = { bytes, trie };
      }
      const { bytes, trie } = tokens;
      const key = JSON.stringify(grammar);
      const compiled = kept.get(key) ?? (yield* compileNew(grammar, trie));
      if (compiled.states <= MAX_KEPT_STATES) kept.set(key, compiled);
      const used = use(compiled, expiresAt);
      return {
        check: (maxNewTokens) => compiled.check(maxNewTokens),
        constrain: (maxNewTokens) => new Constraint(compiled, bytes.bytesOf, maxNewTokens),
        [Symbol.dispose]: () => void uses.delete(used),
      };
    },
  };
}

function* compileNew(grammar: Grammar, trie: TokenTrie): Steps<TokenGrammar> {
  const builder = new GrammarBuilder();
  const rule = yield* addGrammar(builder, grammar);
  yield* findShortestWays(builder.states, trie);
  return new TokenGrammar(rule, trie, builder.states.length);
}

function addGrammar(builder: GrammarBuilder, { type, value }: Grammar): Steps<Rule> {
  switch (type) {
    case "json":
      return addSchema(builder, value);
    case "json_schema":
      return addSchema(builder, value.schema);
    case "regex":
      return addExpression(builder, value);
  }
}
