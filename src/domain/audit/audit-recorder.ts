import type { AuditDetails, AuditRecord } from "./audit-entry.ts";

/** Who changes what, as far as it is known before. */
export interface AuditSubject
  extends Pick<AuditRecord, "operation" | "by" | "requestId" | "target">,
    Pick<AuditDetails, "actor" | "request"> {}

/** What a change turned out to be, as far as it is known; a target is one in addition to the parameters of the path. */
export interface ChangeDetails
  extends Pick<AuditRecord, "target">,
    /** `before` and `after` are whole states, of which what differs is recorded. Neither has a secret. */
    Pick<AuditDetails, "actor" | "before" | "after"> {}

/** A change whose first entry is written. */
export interface BegunChange {
  /**
   * Writes how it ended, and emits the event. It fails nothing: the change has happened.
   * @param error what the change failed with; absent when it is done
   */
  end(details: ChangeDetails, error?: unknown): Promise<void>;
}

/** Records changes of administrators in the audit log, if there is an authority, and as events. */
export interface AuditRecorder {
  /** @throws ApiError `authority_unavailable`: the change must not be made */
  begin(subject: AuditSubject): Promise<BegunChange>;
}

/** Makes a change that no request has asked for. @throws ApiError `authority_unavailable`, and what the work throws */
export async function recordWork<T>(
  recorder: AuditRecorder,
  operation: string,
  work: () => Promise<T>,
  toDetails: (result: T) => ChangeDetails = () => ({}),
): Promise<T> {
  const change = await recorder.begin({ operation, by: "schedule" });
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await change.end({}, error);
    throw error;
  }
  await change.end(toDetails(result));
  return result;
}
