/** The tokens before the one that is sampled. */
export interface TokenHistory {
  readonly prompt: readonly number[];
  readonly generated: readonly number[];
}

export function historyLength({ prompt, generated }: TokenHistory): number {
  return prompt.length + generated.length;
}

/** @param index below {@link historyLength} */
export function tokenAt({ prompt, generated }: TokenHistory, index: number): number {
  const token = index < prompt.length ? prompt[index] : generated[index - prompt.length];
  return token as number;
}
