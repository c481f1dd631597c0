import type { RequestEvent } from "../../domain/event.ts";
import type {
  IdentifiedPrediction,
  PredictionBatch,
} from "../../domain/monitoring/prediction-batch.ts";
import { type CanaryPairsOf, createCanaryCounts } from "./canary-counts.ts";
import { toKeptRows } from "./kept-rows.ts";

/** What of the predictions of a version is kept. */
export interface KeptSettings {
  /** From 0 to 1. */
  readonly rate: number;
  readonly retentionDays: number;
}

export interface PredictionBufferOptions {
  /** `undefined` for a version of which nothing is known just now. */
  readonly settingsOf: (model: string, version: string) => KeptSettings | undefined;
  readonly pairsOf: CanaryPairsOf;
  /** Called with the number of predictions that are not kept, because there are too many. */
  readonly onLost?: (count: number) => void;
  readonly random?: () => number;
}

/** Gathers the predictions of one model that are to be kept until their truth is known, and how requests to canaries went. */
export interface PredictionBuffer {
  add(event: RequestEvent): void;
  /** What was gathered since the last time; `undefined` when there is nothing. */
  take(): PredictionBatch | undefined;
}

/** The largest number of predictions between two flushes, of about 200 bytes. */
const MAX_PREDICTIONS = 4096;

interface Kept {
  readonly retentionDays: number;
  readonly predictions: IdentifiedPrediction[];
}

export function createPredictionBuffer({
  settingsOf,
  pairsOf,
  onLost = () => undefined,
  random = Math.random,
}: PredictionBufferOptions): PredictionBuffer {
  const canaries = createCanaryCounts(pairsOf);
  let versions = new Map<string, Kept>();
  let count = 0;

  function keep(event: RequestEvent, model: string, version: string): void {
    const { outputs, requestId, time, principal, subject, split } = event;
    if (!outputs?.rows || event.status >= 300) return;
    const settings = settingsOf(model, version);
    if (!settings || settings.rate <= 0 || settings.retentionDays <= 0) return;
    if (settings.rate < 1 && random() >= settings.rate) return;
    const rows = toKeptRows(outputs.rows);
    if (!rows) return;
    if (count >= MAX_PREDICTIONS) {
      onLost(1);
      return;
    }
    count += 1;
    let kept = versions.get(version);
    if (!kept) {
      kept = { retentionDays: settings.retentionDays, predictions: [] };
      versions.set(version, kept);
    }
    kept.predictions.push({
      requestId,
      time: Date.parse(time),
      count: outputs.count,
      rows,
      principal,
      subject,
      split,
    });
  }

  return {
    add(event) {
      const { operationKind, model, version } = event;
      if (operationKind !== "inference" || model === undefined || version === undefined) return;
      if (event.split !== undefined) canaries.add(event, model, version, event.split);
      keep(event, model, version);
    },

    take() {
      const blocks = canaries.take();
      if (count === 0 && blocks.length === 0) return undefined;
      const batch = {
        versions: [...versions].map(([version, kept]) => ({ version, ...kept })),
        canaries: blocks,
      };
      versions = new Map();
      count = 0;
      return batch;
    },
  };
}
