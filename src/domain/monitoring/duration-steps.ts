/** Steps of an octave of durations: neighbours differ by 9 %. */
const STEPS_PER_OCTAVE = 8;
const MIN_MS = 0.01;
const MAX_MS = 3_600_000;

/** The step that a duration belongs to, the longer the higher. */
export function durationStep(milliseconds: number): number {
  const bounded = Math.min(MAX_MS, Math.max(MIN_MS, milliseconds));
  return Math.ceil(Math.log2(bounded) * STEPS_PER_OCTAVE);
}

/** The longest duration of a step, in milliseconds. */
export function durationOf(step: number): number {
  return 2 ** (step / STEPS_PER_OCTAVE);
}

/** How many steps longer a duration is that is so many times as long. */
export function stepsOf(ratio: number): number {
  return Math.ceil(Math.log2(ratio) * STEPS_PER_OCTAVE);
}
