import type { InvocationEvent } from "../../domain/event.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import { addLabel } from "../../domain/monitoring/merge-aggregate.ts";
import { addDuration } from "./fold-request.ts";

/** Adds what the platform says of an invocation, and nothing that its requests have been counted for. */
export function foldInvocation(
  aggregate: Aggregate,
  { outcome, cpuMs, wallMs }: InvocationEvent,
): void {
  addLabel(aggregate, "invocations", outcome);
  addDuration(aggregate, "cpu", cpuMs);
  addDuration(aggregate, "wall", wallMs);
}
