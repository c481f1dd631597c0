import { ANALYTICS_ENGINE_SINK } from "./analytics-engine-sink.ts";
import { CONSOLE_SINK } from "./console-sink.ts";
import { OTLP_SINK } from "./otlp-sink.ts";
import type { SinkDefinition } from "./sink-definition.ts";

/** Where events are written. */
export const SINKS: readonly SinkDefinition[] = [CONSOLE_SINK, ANALYTICS_ENGINE_SINK, OTLP_SINK];
