// As a namespace: a runtime without `waitUntil` would refuse to import it by its name.
import * as workers from "cloudflare:workers";
import type { OtlpSettings } from "../../domain/otlp-settings.ts";
import type { EventSink } from "../../domain/ports.ts";
import { createOtlpExporter, type OtlpExporterOptions } from "./otlp-exporter.ts";
import { toLogRecord, toResource, toSpan } from "./otlp-json.ts";
import type { Signal } from "./post-otlp.ts";

export interface OtlpSinkOptions
  extends Pick<OtlpExporterOptions, "onLost">,
    Partial<Pick<OtlpExporterOptions, "fetch" | "waitUntil" | "now" | "sleep" | "intervalMs">> {
  readonly settings: OtlpSettings;
  /** The version of the service. */
  readonly version: string;
  readonly createExporter?: typeof createOtlpExporter;
}

/** W3C's flag: the client records the trace. */
const SAMPLED = 1;

/**
 * Exports events by the OpenTelemetry Protocol: those of requests as spans, others as log records. A request whose client does not record
 * its trace has no span, unless it failed by a fault of the service: the others of its trace do not exist.
 */
export function createOtlpSink({
  settings,
  version,
  onLost,
  fetch: post = (input, init) => fetch(input, init),
  waitUntil = (work) => workers.waitUntil?.(work),
  now = Date.now,
  sleep,
  intervalMs,
  createExporter = createOtlpExporter,
}: OtlpSinkOptions): EventSink {
  const resource = JSON.stringify(toResource(settings.serviceName, version));
  const scope = JSON.stringify({ name: "onnxflare", version });
  const exporter = createExporter({
    settings,
    wrap: (signal, records) => wrap(signal, resource, scope, records),
    userAgent: `onnxflare/${version}`,
    fetch: post,
    waitUntil,
    onLost,
    now,
    ...(sleep && { sleep }),
    ...(intervalMs !== undefined && { intervalMs }),
  });
  return {
    emit(event) {
      if (event.event !== "request") {
        exporter.add("logs", JSON.stringify(toLogRecord(event, now())));
        return;
      }
      const { traceFlags = SAMPLED, status } = event;
      if ((traceFlags & SAMPLED) === 0 && status < 500) return;
      const span = toSpan(event);
      if (span) exporter.add("traces", JSON.stringify(span));
    },
  };
}

/** `ExportTraceServiceRequest` or `ExportLogsServiceRequest` in JSON, of records in JSON. */
function wrap(signal: Signal, resource: string, scope: string, records: readonly string[]): string {
  const [resources, scopes, items] =
    signal === "traces"
      ? ["resourceSpans", "scopeSpans", "spans"]
      : ["resourceLogs", "scopeLogs", "logRecords"];
  return `{"${resources}":[{"resource":${resource},"${scopes}":[{"scope":${scope},"${items}":[${records.join(",")}]}]}]}`;
}
