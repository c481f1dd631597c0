import type { Phase } from "./trace.ts";

/** A span of a phase that the platform measures. */
export interface PhaseSpan {
  end(): void;
}

export type StartPhaseSpan = (phase: Phase) => PhaseSpan;

/** `undefined` for those that are left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** The trace that the platform makes of the request that is being handled. */
export interface PlatformTrace {
  readonly traceId: string;
  readonly startSpan: StartPhaseSpan;
  /** Of the request's own span. */
  setAttributes(attributes: SpanAttributes): void;
}

/** The tracing of the platform. */
export interface Tracing {
  /** `undefined` where the platform makes no trace, or not of this request. */
  current(): PlatformTrace | undefined;
  /** Whether {@link current} has returned a trace in this isolate: a request that was asked for its trace may have one only then. */
  readonly hasTraced: boolean;
}

/** For runtimes without it. */
export const NO_TRACING: Tracing = { current: () => undefined, hasTraced: false };
