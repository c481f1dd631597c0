import { createOtlpSink } from "../opentelemetry/otlp-sink.ts";
import type { SinkDefinition } from "./sink-definition.ts";

/** To `OTLP_ENDPOINT`: docs/opentelemetry.md. */
export const OTLP_SINK: SinkDefinition = {
  name: "otlp",
  create: ({ otlp: settings, version, onLost, flushMs: intervalMs }) =>
    settings && createOtlpSink({ settings, version, onLost, intervalMs }),
};
