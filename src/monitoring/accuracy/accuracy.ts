import type { DataSelector } from "../../domain/data-selector.ts";
import { toPrincipalId } from "../../domain/event-owners.ts";
import type {
  AccuracyStore,
  FeedbackPage,
  TruthQuery,
  TruthsRead,
} from "../../domain/monitoring/accuracy-store.ts";
import type { CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import type { CanaryBlock, PredictionBatch } from "../../domain/monitoring/prediction-batch.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import type { MonitoringPart } from "../part.ts";
import { calibrationOf, statedCalibration } from "../statistics/calibration-map.ts";
import { toAccuracyGauges } from "./accuracy-gauges.ts";
import { createCanaryTable } from "./canary-table.ts";
import { createFeedbackLog } from "./feedback-log.ts";
import { createPredictionSegments, type KeyedPrediction } from "./prediction-segments.ts";
import { erasedBefore } from "./recent-erasures.ts";
import { requestKey, toRequestKey } from "./request-key.ts";
import type { PredictionFilter } from "./selected-segments.ts";
import { toStored } from "./stored-prediction.ts";
import { createTruthTable } from "./truth-table.ts";

const DAY_MS = 86_400_000;
/** Where nothing says otherwise. */
const DEFAULT_RETENTION_MS = 30 * DAY_MS;
/** With what a cursor of an export begins. */
const TRUTHS = "truths";
const PREDICTIONS = "predictions";
/** How often what is over its retention is looked for. */
const SWEEP_MS = 3_600_000;
/** Labels of those that nobody is told apart by: the last one of Workers whose binding names none. */
const NOBODY: readonly string[] = ["anonymous", "worker"];

/** A batch whose ids are hashed, which takes waiting. */
export interface PreparedPredictions {
  readonly versions: readonly {
    readonly version: string;
    readonly retentionMs: number;
    readonly predictions: readonly KeyedPrediction[];
  }[];
  readonly canaries: readonly CanaryBlock[];
}

export type Accuracy = ReturnType<typeof createAccuracy>;

/** What the Durable Object of a model delegates to: predictions, truths and canaries. The caller has made the tables: `ACCURACY_MIGRATIONS`. */
export function createAccuracy(storage: SqlStorage) {
  const { transaction } = storage;
  const segments = createPredictionSegments(storage);
  const truths = createTruthTable(storage);
  const canaries = createCanaryTable(storage, (version, isStated) => {
    const known = calibrationOf(truths.totalOf(version), "feedback");
    return known ?? (isStated ? statedCalibration() : undefined);
  });
  const log = createFeedbackLog({ storage, segments, truths, canaries });
  /** The longest retention of the batches so far. */
  let retentionMs = DEFAULT_RETENTION_MS;
  let sweptAt = Number.NEGATIVE_INFINITY;

  /** When the first is over its retention: also of an object that starts again and again. */
  function sweepAt(): number | undefined {
    const times = [segments.expiresAt(), truths.expiresAt()].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.max(Math.min(...times), sweptAt + SWEEP_MS);
  }

  return {
    /** To be called before {@link append}, outside of its transaction. */
    async prepare(batch: PredictionBatch): Promise<PreparedPredictions> {
      const owners = new Map<string, Promise<string>>();
      const ownerOf = (label: string | undefined): Promise<string> | undefined => {
        if (label === undefined || NOBODY.includes(label)) return undefined;
        const known = owners.get(label) ?? toPrincipalId(label);
        owners.set(label, known);
        return known;
      };
      const versions = await Promise.all(
        batch.versions.map(async ({ version, retentionDays, predictions }) => ({
          version,
          retentionMs: retentionDays * DAY_MS,
          predictions: await Promise.all(
            predictions.map(async (each) => ({
              key: await requestKey(each.requestId),
              prediction: toStored(each, await ownerOf(each.principal)),
            })),
          ),
        })),
      );
      return { versions, canaries: batch.canaries };
    },

    /** @returns the canaries that are worse, each until it is acknowledged */
    append({ versions, canaries: blocks }: PreparedPredictions): readonly CanaryVerdict[] {
      const isErased = erasedBefore(storage.sql);
      for (const each of versions) {
        retentionMs = Math.max(retentionMs, each.retentionMs);
        const kept = each.predictions.filter(({ key, prediction }) => !isErased(key, prediction));
        segments.append(each.version, each.retentionMs, kept);
      }
      return blocks.flatMap((block) => canaries.add(block) ?? []);
    },

    findPredictions: async (query: Parameters<AccuracyStore["findPredictions"]>[0]) =>
      log.findPredictions(query, retentionMs),

    recordTruths: log.recordTruths,

    async readTruths({ from, to, version }: TruthQuery): Promise<TruthsRead> {
      return {
        windows: truths.windows(from, to, version),
        totals: Object.fromEntries(
          [...truths.totals()].filter(([each]) => version === undefined || each === version),
        ),
      };
    },

    canaryReports: async () => canaries.reports(),

    gauges: async () => toAccuracyGauges(truths.totals(), canaries.reports()),

    acknowledgeCanary: async (...args: Parameters<AccuracyStore["acknowledgeCanary"]>) =>
      canaries.acknowledge(...args),

    async erase(selector: DataSelector): Promise<number> {
      const filter = toFilter(selector);
      let erased = transaction(() => truths.erase(filter));
      for (let from: number | undefined = 0; from !== undefined; await pause()) {
        const page = transaction(() => segments.erase(filter, from ?? 0));
        erased += page.erased;
        from = page.next;
      }
      return erased;
    },

    /** Truths first, then predictions from an id on. */
    async exportFeedback(selector: DataSelector, cursor = TRUTHS): Promise<FeedbackPage> {
      const filter = toFilter(selector);
      const [table, from = ""] = cursor.split(" ");
      if (table === TRUTHS) {
        const { items: found, next } = truths.export(filter, from);
        const items = found.map(({ prediction, truth, knownAt, version }) => ({
          table: "truths",
          version,
          ...prediction,
          truth,
          knownAt,
        }));
        return { items, cursor: next === undefined ? PREDICTIONS : `${TRUTHS} ${next}` };
      }
      const { items: found, next } = segments.export(filter, Number(from));
      const items = found.map(({ key, version, prediction }) => ({
        table: "predictions",
        request: key,
        version,
        ...prediction,
      }));
      return { items, ...(next !== undefined && { cursor: `${PREDICTIONS} ${next}` }) };
    },

    async forget(version?: string): Promise<void> {
      transaction(() => {
        segments.forget(version);
        truths.forget(version);
        canaries.forget(version);
      });
    },

    dueAt: sweepAt,

    /** Removes what is over its retention. */
    async work(): Promise<void> {
      if (storage.now() < (sweepAt() ?? Number.POSITIVE_INFINITY)) return;
      sweptAt = storage.now();
      transaction(() => {
        canaries.sweep();
        segments.sweep();
        truths.sweep();
      });
    },
  } satisfies MonitoringPart & Record<string, unknown>;
}

/** Lets other calls of the object in. */
function pause(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, 0));
}

function toFilter({ kind, value }: DataSelector): PredictionFilter {
  if (kind === "key") return { owner: value };
  return kind === "subject" ? { subject: value } : { key: toRequestKey(value) };
}
