// As a namespace: a runtime without `tracing` would refuse to import it by its name.
import * as workers from "cloudflare:workers";
import type { PhaseSpan, PlatformTrace, Tracing as TracingPort } from "../domain/tracing.ts";

/** A generated text has two phases for each token, and the platform drops spans of a request beyond some number. */
const MAX_SPANS = 128;
const NO_SPAN: PhaseSpan = { end: () => undefined };

/**
 * The tracing of Workers (https://developers.cloudflare.com/workers/observability/traces/), whose spans the phases of a request become. A
 * request that is not traced costs one call into the runtime: about 2 us.
 */
export function createPlatformTracing(
  tracing: Pick<Tracing, "getActiveSpan" | "startSpan"> | undefined = workers.tracing,
): TracingPort {
  let hasTraced = false;
  return {
    get hasTraced() {
      return hasTraced;
    },
    current() {
      const span = tracing?.getActiveSpan();
      if (!tracing || !span?.isTraced) return undefined;
      hasTraced = true;
      return toPlatformTrace(tracing, span);
    },
  };
}

function toPlatformTrace(tracing: Pick<Tracing, "startSpan">, span: Span): PlatformTrace {
  let started = 0;
  return {
    traceId: span.spanContext().traceId,
    setAttributes: (attributes) => void span.setAttributes(attributes),
    startSpan(phase) {
      started += 1;
      return started > MAX_SPANS ? NO_SPAN : tracing.startSpan(`onnxflare.${phase}`);
    },
  };
}
