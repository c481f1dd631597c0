import type { RequestEvent } from "../../domain/event.ts";
import { GEN_AI } from "../../domain/gen-ai.ts";
import type { EventSink } from "../../domain/ports.ts";
import type { AnalyticsDataset, SinkDefinition } from "./sink-definition.ts";

/** A column of the dataset: `blob1`, `blob2`, ... and `double1`, `double2`, ... in the order of the list. */
export interface AnalyticsColumn<T extends string | number> {
  readonly what: string;
  read(event: RequestEvent): T | undefined;
}

/**
 * The columns of text. The order never changes, because what was written keeps its place: further ones are added at the end. There
 * may be 20, and a text that is not known is empty.
 */
export const ANALYTICS_BLOBS: readonly AnalyticsColumn<string>[] = [
  { what: "`model`", read: (event) => event.model },
  { what: "`version`", read: (event) => event.version },
  { what: "`alias`", read: (event) => event.alias },
  { what: "`protocol`", read: (event) => event.protocol },
  { what: "`operation`", read: (event) => event.operation },
  { what: "`task`", read: (event) => event.task },
  { what: "`errorCode`", read: (event) => event.errorCode },
  { what: "`principal`", read: (event) => event.principal },
  { what: "`cache.outcome`", read: (event) => event.cache?.outcome },
  { what: "`cache.tier` of a hit", read: (event) => event.cache?.tier },
  { what: "`dataCenter`", read: (event) => event.dataCenter },
  { what: "`country`", read: (event) => event.country },
  { what: "`clock`", read: (event) => event.clock },
  { what: "`sampling.reason`", read: (event) => event.sampling?.reason },
  { what: "`operationKind`", read: (event) => event.operationKind },
];

/** The columns of numbers, of which there may be 20; one that is not known is 0. */
export const ANALYTICS_DOUBLES: readonly AnalyticsColumn<number>[] = [
  {
    what: "1 / `sampling.rate`: the requests that the row stands for",
    read: (event) => 1 / (event.sampling?.rate ?? 1),
  },
  { what: "`status`", read: (event) => event.status },
  { what: "`totalMs`", read: (event) => event.totalMs },
  { what: "`queueMs`", read: (event) => event.queueMs },
  { what: "`phasesMs.infer`", read: (event) => event.phasesMs.infer },
  { what: "`phasesMs.load`", read: (event) => event.phasesMs.load },
  { what: "`coldStart`: 1 or 0", read: (event) => Number(event.coldStart ?? false) },
  { what: "`bytesIn`", read: (event) => event.bytesIn },
  { what: "`bytesOut`", read: (event) => event.bytesOut },
  { what: "`inferences`", read: (event) => event.inferences },
  { what: "`executions`", read: (event) => event.executions },
  { what: "`heapBytes`", read: (event) => event.heapBytes },
  {
    what: "`generation`: `gen_ai.usage.input_tokens`",
    read: (event) => event.generation?.[GEN_AI.inputTokens],
  },
  {
    what: "`generation`: `gen_ai.usage.output_tokens`",
    read: (event) => event.generation?.[GEN_AI.outputTokens],
  },
  {
    what: "`generation`: `gen_ai.server.time_to_first_token`, in seconds",
    read: (event) => event.generation?.[GEN_AI.timeToFirstToken],
  },
];

/** The index by which Analytics Engine samples: 96 bytes at most. */
export const NO_MODEL = "-";
/** All texts of a row together may have 16 KB; names of operations and models are short, labels of principals may be long. */
const MAX_TEXT_LENGTH = 512;

/** A row of Analytics Engine for each request; other events have no row. */
export function createAnalyticsEngineSink(dataset: AnalyticsDataset): EventSink {
  return {
    emit(event) {
      if (event.event !== "request") return;
      dataset.writeDataPoint({
        indexes: [event.model ?? NO_MODEL],
        blobs: ANALYTICS_BLOBS.map(({ read }) => (read(event) ?? "").slice(0, MAX_TEXT_LENGTH)),
        doubles: ANALYTICS_DOUBLES.map(({ read }) => read(event) ?? 0),
      });
    },
  };
}

export const ANALYTICS_ENGINE_SINK: SinkDefinition = {
  name: "analytics",
  create: ({ analytics }) => analytics && createAnalyticsEngineSink(analytics),
};
