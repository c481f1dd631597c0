/**
 * A generated text that repeats itself goes on to its limit, and is dropped anyway. It is one when its end is the same
 * tokens again and again: often for few of them, four times for many.
 */
const MAX_PERIOD = 32;
const MIN_REPEATED_TOKENS = 24;
const MIN_TIMES = 4;

/** How often the last tokens repeat, and how many they are. */
export interface Repetition {
  readonly period: number;
  readonly times: number;
}

/**
 * The repetition that a text ends with, if it is one without an end.
 * @param tokens of text; times between them are left out
 */
export function findRepetition(tokens: readonly number[]): Repetition | undefined {
  const last = tokens.length - 1;
  for (let period = 1; period <= MAX_PERIOD; period++) {
    let repeated = 0;
    while (
      last - repeated - period >= 0 &&
      tokens[last - repeated] === tokens[last - repeated - period]
    )
      repeated++;
    const length = repeated + period;
    if (length >= Math.max(MIN_REPEATED_TOKENS, MIN_TIMES * period))
      return { period, times: Math.floor(length / period) };
  }
  return undefined;
}

/**
 * How many bytes of a text there are for each of zlib's: above 2.4, the text repeats itself (Radford et al. 2022, section 4.5).
 * @returns 0 for an empty text
 */
export async function compressionRatio(text: string): Promise<number> {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0) return 0;
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return bytes.length / (await new Response(compressed).arrayBuffer()).byteLength;
}
