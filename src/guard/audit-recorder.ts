import type { AuditAuthority } from "../domain/audit/audit-authority.ts";
import { toBounded, toDifference } from "../domain/audit/audit-bounds.ts";
import type { AuditHead, AuditRecord } from "../domain/audit/audit-entry.ts";
import type { AuditRecorder } from "../domain/audit/audit-recorder.ts";
import { SYSTEM_CLOCK, sleep } from "../domain/clock.ts";
import { ApiError, toApiError } from "../domain/errors.ts";
import { EVENT_SCHEMA_VERSION } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import { toHex } from "../shared/hex.ts";
import { type ScrubSecrets, scrubTexts } from "../shared/scrub-secrets.ts";

/** Of the entry after a change, which nobody can ask for again. */
const END_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const CHANGE_ID_BYTES = 8;

export interface AuditRecorderOptions {
  /** `undefined` without the binding KEYS: changes are events only. */
  readonly authority: AuditAuthority | undefined;
  readonly sink: EventSink;
  /** Removes secrets from texts: a note may have one. */
  readonly scrub?: ScrubSecrets;
  readonly pause?: (milliseconds: number) => Promise<void>;
}

export function createAuditRecorder({
  authority,
  sink,
  scrub = (text) => text,
  pause = (milliseconds) => sleep(SYSTEM_CLOCK, milliseconds),
}: AuditRecorderOptions): AuditRecorder {
  /** @throws what the last attempt fails with */
  async function append(record: AuditRecord, attempts: number): Promise<AuditHead | undefined> {
    if (!authority) return undefined;
    for (let attempt = 1; ; attempt++)
      try {
        return await authority.appendAudit(record);
      } catch (error) {
        if (attempt >= attempts) throw error;
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
  }

  function toStored(record: AuditRecord): AuditRecord {
    // Cut first, where a secret has been cut its beginning is found.
    return scrubTexts(toBounded(record), scrub) as AuditRecord;
  }

  return {
    async begin({ actor, request, ...subject }) {
      const change = newChangeId();
      try {
        const details = { actor, request };
        await append(toStored({ ...subject, change, phase: "begun", details }), 1);
      } catch (cause) {
        throw new ApiError(
          "authority_unavailable",
          "Nothing was changed: the audit log, which is in the Durable Object KEYS, cannot be reached, and no change is made without an entry. Try again.",
          { cause },
        );
      }
      return {
        async end({ target, before, after, actor: named = actor }, error) {
          const states = before && after ? toDifference(before, after) : { before, after };
          const record = toStored({
            ...subject,
            ...(target && { target: { ...subject.target, ...target } }),
            change,
            ...(error === undefined
              ? { phase: "done" }
              : { phase: "failed", errorCode: toApiError(error).code }),
            details: { actor: named, request, ...states },
          });
          // The entry may come late or never; the event says what happened all the same.
          const head = await append(record, END_ATTEMPTS).catch(() => undefined);
          emit(sink, record, head);
        },
      };
    },
  };
}

function emit(sink: EventSink, record: AuditRecord, head: AuditHead | undefined): void {
  const { phase, details, erases: _, ...fields } = record;
  sink.emit({
    event: "audit",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date().toISOString(),
    ...fields,
    ...details,
    outcome: phase === "done" ? "done" : "failed",
    ...(head && { seq: head.seq, hash: head.hash }),
  });
}

function newChangeId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(CHANGE_ID_BYTES)));
}
