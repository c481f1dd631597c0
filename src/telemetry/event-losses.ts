import { EVENT_SCHEMA_VERSION, type NoticeEvent } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";

/** Events that could not be delivered, by where they were lost: `sink_console`, `sink_analytics`, ... */
export interface EventLosses {
  /** Counts events. @param error that they were lost with */
  count(reason: string, events: number, error?: unknown): void;
  /** Since the isolate started. */
  total(): Readonly<Record<string, number>>;
  /** Since the last call of this; `undefined` for none. */
  take(): Readonly<Record<string, number>> | undefined;
}

export interface EventLossesOptions {
  /** Called when a place has lost events, once in a minute at most. */
  readonly onNotice?: (notice: NoticeEvent) => void;
  readonly now?: () => number;
}

const NOTICE_INTERVAL_MS = 60_000;
/** Of a failure's text: what a library says may be long. */
const MAX_TEXT_LENGTH = 200;

export function createEventLosses({
  onNotice = () => undefined,
  now = Date.now,
}: EventLossesOptions = {}): EventLosses {
  const totals: Record<string, number> = {};
  const noticed = new Map<string, { at: number; events: number }>();
  let taken: Record<string, number> = {};

  function notify(reason: string, events: number, error: unknown): void {
    const last = noticed.get(reason);
    const time = now();
    if (last && time - last.at < NOTICE_INTERVAL_MS) return;
    const more = events - (last?.events ?? 0);
    // Before the notice, which the same place may lose as well.
    noticed.set(reason, { at: time, events });
    onNotice({
      event: "notice",
      schemaVersion: EVENT_SCHEMA_VERSION,
      time: new Date(time).toISOString(),
      message: `${more === 1 ? "1 event was" : `${more} events were`} lost at ${reason}: ${describe(error)}`,
    });
  }

  return {
    count(reason, events, error) {
      const total = (totals[reason] ?? 0) + events;
      totals[reason] = total;
      notify(reason, total, error);
    },
    total: () => ({ ...totals }),
    take() {
      const since: Record<string, number> = {};
      for (const [reason, total] of Object.entries(totals)) {
        const more = total - (taken[reason] ?? 0);
        if (more > 0) since[reason] = more;
      }
      taken = { ...totals };
      return Object.keys(since).length > 0 ? since : undefined;
    },
  };
}

/** A sink whose failures are counted instead of thrown. */
export function countLosses(sink: EventSink, reason: string, losses: EventLosses): EventSink {
  return {
    emit(event) {
      try {
        sink.emit(event);
      } catch (error) {
        losses.count(reason, 1, error);
      }
    },
  };
}

function describe(error: unknown): string {
  if (error === undefined) return "it did not say why.";
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}...` : text;
}
