import type { TelemetryEvent } from "./event.ts";

/** The events of this isolate, for those who watch it. */
export interface EventLog {
  /**
   * The last events, oldest first, and then, with `follow`, each one when it is emitted. A reader that does not keep up misses
   * some, and gets a notice that says how many.
   * @throws ApiError `overloaded` when as many readers follow as may
   */
  read(options: ReadEvents): AsyncIterableIterator<TelemetryEvent, undefined>;
  /** The last events, oldest first. */
  all(): readonly TelemetryEvent[];
  /** Removes events, also those that readers have not read yet; returns how many of the last ones were removed. */
  remove(isRemoved: (event: TelemetryEvent) => boolean): number;
}

export interface ReadEvents {
  readonly follow: boolean;
  /** Of the events that are accepted; where it is absent these are of several models, or of none. */
  readonly model?: string | undefined;
  accepts(event: TelemetryEvent): boolean;
}
