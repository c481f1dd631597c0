import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import type { TokenizerConfig } from "./tokenizer-config.ts";

/** What of the npm library is used: post-processors and decoders. */

/** Without a model: the library's own takes memory for a vocabulary that is not used. */
export function createLibrary({ post_processor = null, decoder = null, model }: TokenizerConfig) {
  const { end_of_word_suffix } = model.type === "BPE" ? model : {};
  return new LibraryTokenizer(
    {
      model: { type: "BPE", vocab: {}, merges: [], end_of_word_suffix },
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor,
      decoder,
    },
    {},
  );
}

/** The special tokens that the post-processor adds before and after a text. */
export function specialTokens(library: LibraryTokenizer): {
  leading: string[];
  trailing: string[];
} {
  const mark = "\0";
  const tokens: string[] = library.post_processor?.([mark], null, true).tokens ?? [mark];
  const at = tokens.indexOf(mark);
  return { leading: tokens.slice(0, at), trailing: tokens.slice(at + 1) };
}

/** How many special tokens the post-processor adds to two texts, and how many of them follow the second one. */
export function specialTokensOfPair(library: LibraryTokenizer): {
  count: number;
  trailing: number;
} {
  const [first, second] = ["\0", "\u0001"];
  const tokens: string[] = library.post_processor?.([first], [second], true).tokens ?? [
    first,
    second,
  ];
  return { count: tokens.length - 2, trailing: tokens.length - 1 - tokens.indexOf(second) };
}

/** Whether both texts of a pair have the type 0, as Python's `tokenizers` gives them for RoBERTa; the library tells them apart. */
export function hasOneType({ post_processor }: TokenizerConfig): boolean {
  return JSON.stringify(post_processor ?? null).includes('"type":"RobertaProcessing"');
}
