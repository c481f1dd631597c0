const PLACES: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** As transformers' `clean_up_tokenization`: the spaces of a tokenizer that parts punctuation from words. */
export function cleanUpSpaces(text: string): string {
  return PLACES.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
}
