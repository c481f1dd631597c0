import { parseTokenizerConfig } from "./tokenizer-config.ts";

/** The special tokens of a tokenizer.json, which are no part of a text: their contents by their ids. */
export function specialTokens(tokenizerJson: Uint8Array): ReadonlyMap<number, string> {
  const { added_tokens: added } = parseTokenizerConfig(tokenizerJson);
  return new Map(added.filter(({ special }) => special).map(({ id, content }) => [id, content]));
}
