import type { Grammar } from "../../../domain/grammar.ts";
import { LruMap } from "../../../shared/lru-map.ts";
import { createTokenBytes, type TokenBytes } from "../../text/token-bytes.ts";
import type { Steps } from "../../text/word-model.ts";
import { Constraint, checkShortest, TokenGrammar } from "./constraint.ts";
import { GrammarBuilder, type Rule } from "./grammar.ts";
import { addSchema } from "./json-schema.ts";
import { addExpression } from "./texts.ts";
import { findShortestWays } from "./shortest-ways.ts";
import { createTokenTrie, type TokenTrie } from "./token-trie.ts";

/** Grammars that are kept for later requests: of one form there are often many. */
const MAX_KEPT = 2;
/** Larger ones are not kept. */
const MAX_KEPT_STATES = 6000;

/** What a text may be held to, for one model. */
export interface Constraints {
  /**
   * @returns creates the constraint of a text
   * @throws ApiError `invalid_request` for a grammar that cannot be followed
   */
  compile(grammar: Grammar): Steps<(maxNewTokens: number) => Constraint>;
}

/** @param tokenizerJson a parsed tokenizer.json; only read with the first grammar */
export function createConstraints(
  tokenizerJson: () => unknown,
  eosTokenIds: readonly number[],
): Constraints {
  let tokens: { readonly bytes: TokenBytes; readonly trie: TokenTrie } | undefined;
  const kept = new LruMap<string, TokenGrammar>(MAX_KEPT);

  function* compileNew(grammar: Grammar, trie: TokenTrie): Steps<TokenGrammar> {
    const builder = new GrammarBuilder();
    const rule = addGrammar(builder, grammar);
    yield;
    yield* findShortestWays(builder.states, trie);
    const compiled = new TokenGrammar(rule, trie);
    if (builder.states.length <= MAX_KEPT_STATES) kept.set(JSON.stringify(grammar), compiled);
    return compiled;
  }

  return {
    *compile(grammar) {
      if (!tokens) {
        const bytes = createTokenBytes(tokenizerJson());
        const trie = yield* createTokenTrie(bytes.vocabularySize, bytes.bytesOf, eosTokenIds);
        tokens = { bytes, trie };
      }
      const { bytes, trie } = tokens;
      const compiled =
        kept.get(JSON.stringify(grammar)) ?? (yield* compileNew(grammar, trie));
      return (maxNewTokens) => {
        checkShortest(compiled, maxNewTokens);
        return new Constraint(compiled, bytes.bytesOf, maxNewTokens);
      };
    },
  };
}

function addGrammar(builder: GrammarBuilder, { type, value }: Grammar): Rule {
  switch (type) {
    case "json":
      return addSchema(builder, value);
    case "json_schema":
      return addSchema(builder, value.schema);
    case "regex":
      return addExpression(builder, value);
  }
}
