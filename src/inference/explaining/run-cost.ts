import { modelDigest } from "../../domain/manifest.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { Phase, Trace } from "../../domain/trace.ts";
import { LruMap } from "../../shared/lru-map.ts";

/** Learns what a row costs when it is explained, for estimates of what was not run yet. */
export interface RunCosts {
  /** What the model has done until now of a call. */
  busyMs(trace: Trace): number;
  learn(model: PublishedModel, rows: number, busyMs: number): void;
  /** In milliseconds; `undefined` while nothing is known. */
  estimate(model: PublishedModel, rows: number): number | undefined;
}

const PHASES: readonly Phase[] = ["decode", "preprocess", "infer", "postprocess"];
const MAX_MODELS = 500;
/** Of the last measurement, in the moving average. */
const WEIGHT = 0.3;

export function createRunCosts(): RunCosts {
  const msPerRow = new LruMap<string, number>(MAX_MODELS);
  return {
    busyMs: ({ phasesMs }) => PHASES.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0),
    learn(model, rows, busyMs) {
      // A clock that stands still during work of the CPU tells nothing.
      if (rows === 0 || busyMs <= 0) return;
      const key = modelDigest(model.manifest);
      const known = msPerRow.get(key);
      const ms = busyMs / rows;
      msPerRow.set(key, known === undefined ? ms : known + (ms - known) * WEIGHT);
    },
    estimate(model, rows) {
      if (rows === 0) return 0;
      const ms = msPerRow.get(modelDigest(model.manifest));
      return ms === undefined ? undefined : Math.ceil(ms * rows);
    },
  };
}
