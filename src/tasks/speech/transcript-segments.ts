/** Seconds from the beginning of a window. */
export interface TokenSegment {
  readonly start: number;
  readonly end: number;
  /** Of text alone. */
  readonly tokens: readonly number[];
}

/** Less speech is likely to be the end of the last word. */
const MIN_REST_SECONDS = 1;

export interface TimeScale {
  /** The token of 0 s. */
  readonly first: number;
  /** From one time to the next one. */
  readonly stepSeconds: number;
}

/**
 * Segments of the tokens of a window, each between two times. Text after the last time ends with the window.
 * @param tokens of text and times, in their order
 * @param seconds of the window's audio, without the silence that was added
 */
export function toSegments(
  tokens: readonly number[],
  { first, stepSeconds }: TimeScale,
  seconds: number,
): TokenSegment[] {
  const segments: TokenSegment[] = [];
  let start = 0;
  let text: number[] = [];
  const close = (end: number): void => {
    if (text.length > 0) segments.push({ start, end: Math.max(start, end), tokens: text });
    text = [];
    start = Math.max(start, end);
  };
  for (const token of tokens)
    if (token < first) text.push(token);
    else close(Math.min(seconds, (token - first) * stepSeconds));
  close(seconds);
  return segments;
}

/**
 * Where a text ends before its speech does: two equal times at the end say that the rest is for another window, which begins there
 * (Radford et al. 2022, section 3.8).
 * @param speechSeconds where the window's speech ends
 * @returns in seconds from the beginning of the window
 */
export function continuation(
  tokens: readonly number[],
  { first, stepSeconds }: TimeScale,
  speechSeconds: number,
): number | undefined {
  const [before = 0, last = 0] = tokens.slice(-2);
  if (tokens.length < 2 || before < first || last < first) return undefined;
  const seconds = (last - first) * stepSeconds;
  const isWorthwhile = seconds >= MIN_REST_SECONDS && speechSeconds - seconds >= MIN_REST_SECONDS;
  return isWorthwhile ? seconds : undefined;
}
