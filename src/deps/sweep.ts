import { type AuditRecorder, recordWork } from "../domain/audit/audit-recorder.ts";
import type { PurgeLog } from "../domain/cache.ts";
import { type ErasureEvent, EVENT_SCHEMA_VERSION } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { CollectedVersions } from "../monitoring/forget.ts";
import { sweepLateData } from "../privacy/late-data.ts";
import type { PersonalDataStore } from "../privacy/personal-data-store.ts";
import type { GarbageCollector } from "../registry/collect-garbage.ts";
import { toGarbageEvent } from "../registry/garbage-event.ts";
import { sweepGarbage } from "../registry/sweep-garbage.ts";

interface SweptParts {
  readonly audit: AuditRecorder;
  readonly garbage: GarbageCollector;
  readonly personalData: readonly PersonalDataStore[];
  readonly purgeLog: PurgeLog | undefined;
  /** `undefined` without the collector. */
  readonly collected: CollectedVersions | undefined;
  readonly sink: EventSink;
}

/** The work of a scheduled run: each part of it is an event, and recorded by the audit log. */
export function createSweep({
  audit,
  garbage,
  personalData,
  purgeLog,
  collected,
  sink,
}: SweptParts) {
  const sweeps = [
    async (at: number) => {
      const collected = await recordWork(
        audit,
        "sweepGarbage",
        async () => toGarbageEvent(await sweepGarbage(garbage, at)),
        ({ removed, removedBytes, failed }) => ({ after: { removed, removedBytes, failed } }),
      );
      sink.emit(collected);
    },
    async (at: number) => {
      const { erased, complete, problem } = await recordWork(
        audit,
        "sweepLateData",
        async () => sweepLateData(personalData, (await purgeLog?.list()) ?? [], at),
        (late) => ({ after: { erased: late.erased, complete: late.complete } }),
      );
      if (erased > 0 || !complete)
        sink.emit({ ...createErasureEvent(erased, complete), errorCode: problem });
    },
    async () => void (await collected?.sweep()),
  ];
  return async (at: number): Promise<void> => {
    // One that fails does not keep the other from its work.
    const failed: unknown[] = [];
    for (const sweep of sweeps) await sweep(at).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  };
}

function createErasureEvent(erased: number, complete: boolean): ErasureEvent {
  const time = new Date().toISOString();
  return { event: "erasure", schemaVersion: EVENT_SCHEMA_VERSION, time, erased, complete };
}
