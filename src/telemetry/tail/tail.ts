import type { InvocationEvent, TelemetryEvent } from "../../domain/event.ts";
import type { EventSink } from "../../domain/ports.ts";
import { joinInvocation } from "./join-invocation.ts";
import type { LineSkip } from "./read-line.ts";
import type { TracedInvocation } from "./trace-item.ts";

/** Why the Tail Worker has lost something, in counts of lost events. */
export type TailLoss = `tail_${LineSkip | "truncated" | "failed"}`;

export interface TailOptions {
  /** Folds what the platform says of each invocation; the Worker itself has counted its requests. Absent without a collector. */
  readonly collector: EventSink | undefined;
  /** Get the events of the Worker, those of requests with what the platform says, and invocations that were lost. */
  readonly sinks: readonly EventSink[];
  /** Gets invocations that were lost as well: of them alone the Worker has written nothing. */
  readonly lost: EventSink;
  readonly onLost: (reason: TailLoss, count: number) => void;
}

/** Handles what the platform reports of invocations. What is wrong with one of them, or with a line of its log, concerns no other. */
export function createTailHandler({
  collector,
  sinks,
  lost,
  onLost,
}: TailOptions): (items: readonly TracedInvocation[]) => void {
  function emit(to: readonly EventSink[], event: TelemetryEvent): void {
    for (const sink of to) {
      try {
        sink.emit(event);
      } catch {
        onLost("tail_failed", 1);
      }
    }
  }

  function handle(item: TracedInvocation): void {
    const { invocation, events, skipped } = joinInvocation(item);
    for (const reason of skipped) onLost(`tail_${reason}`, 1);
    for (const event of events) emit(sinks, event);
    if (invocation.isLost) emit([lost, ...sinks], invocation);
    if (collector && isCollected(item, invocation)) emit([collector], invocation);
  }

  return (items) => {
    for (const item of items) {
      try {
        handle(item);
      } catch {
        onLost("tail_failed", 1);
      }
    }
  };
}

/**
 * Not those of Durable Objects, which are parts of requests: the collector is one itself, and its invocation by the Tail Worker comes back
 * to the Tail Worker.
 */
function isCollected({ executionModel }: TracedInvocation, { trigger }: InvocationEvent): boolean {
  return executionModel !== "durableObject" && trigger !== "alarm";
}
