import type {
  AccuracyReader,
  AccuracyReport,
  AccuracyReports,
  AccuracyRequest,
  AccuracyWindow,
} from "../../domain/monitoring/accuracy-report.ts";
import type { AccuracyStore } from "../../domain/monitoring/accuracy-store.ts";
import type { WindowsRequest } from "../../domain/monitoring/collector.ts";
import type { Window } from "../../domain/monitoring/monitoring.ts";
import {
  emptyTruthSums,
  mergeTruthSums,
  type TruthSums,
  type TruthWindow,
} from "../../domain/monitoring/truth-sums.ts";
import {
  type CalibrationMap,
  calibrationOf,
  statedCalibration,
} from "../statistics/calibration-map.ts";
import { toAccuracyReport } from "./accuracy-of-version.ts";

/** What a manifest says of a version. */
export interface VersionFacts {
  readonly labels?: readonly string[] | undefined;
  readonly isCalibrated: boolean;
}

export interface AccuracyReaderParts {
  readonly store: (model: string) => Pick<AccuracyStore, "readTruths" | "canaryReports"> & {
    windows(request: WindowsRequest): Promise<readonly Window[]>;
  };
  /** `undefined` for a version that was deleted. */
  readonly factsOf: (model: string, version: string) => Promise<VersionFacts | undefined>;
}

interface Part {
  readonly version: string;
  readonly start: number;
  readonly sums: TruthSums;
  readonly confidences: Record<string, number[]>;
}

/** Reads truths and predictions of a model, and says what follows of them. */
export function createAccuracyReader({ store, factsOf }: AccuracyReaderParts): AccuracyReader {
  return {
    async report(model, request): Promise<AccuracyReports> {
      const { from, to, version, stepSeconds } = request;
      const shard = store(model);
      const [{ windows: truths, totals }, predictions] = await Promise.all([
        shard.readTruths({ from, to, version }),
        shard.windows({ from, to, version, stepSeconds: Math.min(stepSeconds, 3600) }),
      ]);
      const parts = toParts(truths, predictions, request);
      const versions = [...new Set(parts.map((part) => part.version))].sort(newestFirst);
      const reports: AccuracyReport[] = [];
      const ofWindows: AccuracyWindow[] = [];
      for (const each of versions) {
        const facts = await factsOf(model, each);
        const total = totals[each];
        const calibration: CalibrationMap | undefined =
          (total && calibrationOf(total, "feedback")) ??
          (facts?.isCalibrated ? statedCalibration() : undefined);
        const context = { version: each, calibration, labels: facts?.labels };
        const own = parts.filter((part) => part.version === each);
        reports.push(toAccuracyReport(mergeParts(own), context));
        for (const part of own)
          ofWindows.push({
            start: new Date(part.start).toISOString(),
            seconds: stepSeconds,
            ...toAccuracyReport(part, context),
          });
      }
      return { versions: reports, windows: ofWindows };
    },

    canaries: (model) => store(model).canaryReports(),
  };
}

/** By version and step, in order. */
function toParts(
  truths: readonly TruthWindow[],
  predictions: readonly Window[],
  { stepSeconds }: AccuracyRequest,
): Part[] {
  const stepMs = stepSeconds * 1000;
  const parts = new Map<string, Part>();
  const partOf = (version: string, time: number): Part => {
    const start = Math.floor(time / stepMs) * stepMs;
    const key = `${version} ${start}`;
    const part = parts.get(key) ?? { version, start, sums: emptyTruthSums(), confidences: {} };
    parts.set(key, part);
    return part;
  };
  for (const { version, start, sums } of truths) mergeTruthSums(partOf(version, start).sums, sums);
  for (const { version, start, aggregate } of predictions) {
    if (version === "" || !aggregate.outputs) continue;
    addConfidences(partOf(version, start).confidences, aggregate.outputs.confidence);
  }
  return [...parts.values()].sort((a, b) => newestFirst(a.version, b.version) || a.start - b.start);
}

function mergeParts(parts: readonly Part[]): Pick<Part, "sums" | "confidences"> {
  const merged = { sums: emptyTruthSums(), confidences: {} };
  for (const { sums, confidences } of parts) {
    mergeTruthSums(merged.sums, sums);
    addConfidences(merged.confidences, confidences);
  }
  return merged;
}

function addConfidences(
  into: Record<string, number[]>,
  more: Readonly<Record<string, readonly number[]>>,
): void {
  for (const [label, counts] of Object.entries(more)) {
    const known = Object.hasOwn(into, label) ? (into[label] ?? []) : [];
    counts.forEach((count, bin) => {
      known[bin] = (known[bin] ?? 0) + count;
    });
    Object.defineProperty(into, label, {
      value: known,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

function newestFirst(a: string, b: string): number {
  return Number(b) - Number(a);
}
