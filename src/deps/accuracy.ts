import type { AuditRecorder } from "../domain/audit/audit-recorder.ts";
import { ApiError } from "../domain/errors.ts";
import type { AccuracyReader } from "../domain/monitoring/accuracy-report.ts";
import { shardOf } from "../domain/monitoring/collector.ts";
import type { FeedbackService } from "../domain/monitoring/feedback.ts";
import type { EventSink } from "../domain/ports.ts";
import { createAccuracyReader } from "../monitoring/accuracy/accuracy-reader.ts";
import { createFeedbackService } from "../monitoring/accuracy/feedback-service.ts";
import type { Catalog } from "../registry/catalog.ts";
import { createKeptPredictions } from "../registry/kept-predictions.ts";
import { createCanaryRollback } from "../registry/routing/canary-rollback.ts";
import type { RoutingEditor } from "../registry/routing/routing-editor.ts";
import type { Aggregation, AggregationOptions } from "../telemetry/aggregation/aggregation.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { createPredictionBuffer } from "../telemetry/predictions/prediction-buffer.ts";
import type { MetricsShards } from "./monitoring.ts";

export interface PredictionParts {
  readonly shards: MetricsShards;
  readonly retentionDays: number;
  /** They are there when the first event is. */
  readonly catalog: () => Catalog;
  readonly editor: () => RoutingEditor;
  readonly audit: () => AuditRecorder;
  readonly sink: () => EventSink;
  /** Counts predictions that are not kept. */
  readonly onLost: (count: number) => void;
}

/** What this isolate gathers of predictions, and does about canaries that are worse. */
export function createPredictionGathering({
  shards,
  retentionDays,
  catalog,
  editor,
  audit,
  sink,
  onLost,
}: PredictionParts): Pick<AggregationOptions, "bufferOf" | "onCanaries"> {
  const kept = createKeptPredictions(
    {
      lastKnown: (name) => catalog().lastKnown(name),
      peekManifest: (version) => catalog().peekManifest(version),
    },
    retentionDays,
  );
  let rollback: ReturnType<typeof createCanaryRollback> | undefined;
  return {
    bufferOf: () => createPredictionBuffer({ ...kept, onLost }),
    onCanaries(model, verdicts) {
      rollback ??= createCanaryRollback({
        catalog: catalog(),
        editor: editor(),
        audit: audit(),
        sink: sink(),
        store: (name) => shards(shardOf(name)),
      });
      // What fails is tried again: the verdict comes with each batch until it is acknowledged.
      for (const verdict of verdicts) keepAlive(rollback(model, verdict));
    },
  };
}

export interface AccuracyServices {
  readonly feedback: FeedbackService | undefined;
  readonly accuracy: AccuracyReader | undefined;
}

/** @param shards `undefined` without the binding `METRICS` */
export function createAccuracyServices(
  shards: MetricsShards | undefined,
  catalog: Catalog,
  collection: Pick<Aggregation, "flush"> | undefined,
): AccuracyServices {
  if (!shards) return { feedback: undefined, accuracy: undefined };
  const store = (model: string) => shards(shardOf(model));
  return {
    feedback: createFeedbackService({
      store,
      labelsOf: async (model, version) => (await catalog.resolve(model, version)).manifest.labels,
      flush: async () => collection?.flush(),
    }),
    accuracy: createAccuracyReader({
      store,
      async factsOf(model, version) {
        try {
          const { manifest } = await catalog.resolve(model, version);
          const isCalibrated = manifest.monitoring?.calibrated === true;
          return { labels: manifest.labels, isCalibrated };
        } catch (error) {
          if (error instanceof ApiError && error.code === "version_not_found") return undefined;
          throw error;
        }
      },
    }),
  };
}
