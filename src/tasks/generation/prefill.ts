/**
 * Tokens of a prompt that one run reads. A run cannot be interrupted, so other calls wait for it, also for two: at the end
 * of a long prompt 16 tokens of pocket-gpt take 27 ms and 32 take 41, which is 0.8 of the time for each token (measured).
 */
const RUN_TOKENS = 16;

/**
 * The lengths of the runs that read a prompt. None of them has a single token but that of a prompt of one: engines compute
 * it by another kernel, whose last bits differ.
 * @param laterTokens of each run after the first, if the model reads no other number of them
 */
export function prefillLengths(tokens: number, laterTokens?: number): number[] {
  const lengths: number[] = [];
  for (let rest = tokens; rest > 0; ) {
    const isFirst = lengths.length === 0;
    const most = isFirst ? RUN_TOKENS : (laterTokens ?? RUN_TOKENS);
    const length = Math.min(rest, rest - most === 1 && laterTokens === undefined ? most - 1 : most);
    lengths.push(length);
    rest -= length;
  }
  return lengths;
}
