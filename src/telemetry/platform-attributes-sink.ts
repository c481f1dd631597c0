import { ATTRIBUTES } from "../domain/attribute-names.ts";
import type { EventSink } from "../domain/ports.ts";
import type { Tracing } from "../domain/tracing.ts";
import { toRequestAttributes } from "./opentelemetry/request-attributes.ts";

/** Gives the platform's span of a request the attributes that its exported span has, and the id of the trace that its client named. */
export function createPlatformAttributesSink(tracing: Tracing): EventSink {
  return {
    emit(event) {
      // Each request was asked for its trace when it began, and asking again is a call into the runtime.
      if (event.event !== "request" || !tracing.hasTraced) return;
      const platform = tracing.current();
      if (!platform) return;
      const attributes = Object.entries(toRequestAttributes(event));
      platform.setAttributes({
        ...Object.fromEntries(
          attributes.map(([name, value]) => [name, isList(value) ? value.join(",") : value]),
        ),
        [ATTRIBUTES.traceId]: event.traceId === platform.traceId ? undefined : event.traceId,
      });
    },
  };
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}
