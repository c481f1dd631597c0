/**
 * Which of two texts is cut that are too long together: the longer one first, as `longest_first` of transformers; only one
 * of them; or none, which is an error.
 */
export type PairTruncation = "longest" | "first" | "second" | "error";

/**
 * How many tokens of two texts are read, by the rules of Python's `tokenizers`
 * (https://huggingface.co/docs/tokenizers/api/tokenizer#tokenizers.Tokenizer.enable_truncation). Of a text that is cut alone, at least
 * one token is left.
 * @param room tokens of both, without special ones
 * @returns `undefined` where they do not fit
 */
export function pairLengths(
  [first, second]: readonly [number, number],
  room: number,
  truncation: PairTruncation,
): readonly [number, number] | undefined {
  if (first + second <= room) return [first, second];
  if (truncation === "error") return undefined;
  if (truncation === "first") return second < room ? [room - second, second] : undefined;
  if (truncation === "second") return first < room ? [first, room - first] : undefined;
  // Half of the room is for each of two long texts, and the odd token for the longer one.
  const half = Math.floor(room / 2);
  const shorter = Math.min(first, second, half);
  const longer = room - shorter;
  return first <= second ? [shorter, longer] : [longer, shorter];
}
