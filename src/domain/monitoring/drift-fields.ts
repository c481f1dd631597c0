import * as z from "zod";

/** How windows of requests are compared with the reference. */
export interface DriftRules {
  /** Probability of a false alarm in a window, over all features. */
  readonly level: number;
  /** Smaller differences do not count, however certain they are. */
  readonly minEffect: number;
  /** What a window has at least. */
  readonly minRows: number;
  readonly minSeconds: number;
}

/** Where a window may begin anew, in seconds: as short as what is collected. */
export const MIN_WINDOW_SECONDS = 60;
export const MAX_WINDOW_SECONDS = 7 * 86_400;
export const MIN_WINDOW_ROWS = 30;
export const MAX_WINDOW_ROWS = 1_000_000;

/** The settings of drift. */
export const DRIFT_FIELDS = {
  /** Rows that a window has at least. */
  DRIFT_WINDOW_ROWS: z.coerce.number().int().min(MIN_WINDOW_ROWS).max(MAX_WINDOW_ROWS).default(500),
  /** Seconds that a window has at least. */
  DRIFT_WINDOW_SECONDS: z.coerce
    .number()
    .int()
    .min(MIN_WINDOW_SECONDS)
    .max(MAX_WINDOW_SECONDS)
    .default(300),
  /** The least difference that counts, in deviations. */
  DRIFT_MIN_EFFECT: z.coerce.number().min(0).max(10).default(0.1),
};

/** Probability of a false alarm in a window. */
const LEVEL = 0.01;

type DriftFields = z.output<z.ZodObject<typeof DRIFT_FIELDS>>;

export function toDriftRules(settings: DriftFields): DriftRules {
  return Object.freeze({
    level: LEVEL,
    minEffect: settings.DRIFT_MIN_EFFECT,
    minRows: settings.DRIFT_WINDOW_ROWS,
    minSeconds: settings.DRIFT_WINDOW_SECONDS,
  });
}
