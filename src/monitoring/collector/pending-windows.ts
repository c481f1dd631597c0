import { createAggregate } from "../../domain/monitoring/aggregate.ts";
import type { WindowDelta } from "../../domain/monitoring/collector.ts";
import { mergeAggregate } from "../../domain/monitoring/merge-aggregate.ts";

/** What has been added since the last commit: one aggregate for each version and minute. */
export class PendingWindows {
  readonly #windows = new Map<string, WindowDelta>();

  get size(): number {
    return this.#windows.size;
  }

  add({ model, version, start, aggregate }: WindowDelta): void {
    const key = `${start} ${version}`;
    const known = this.#windows.get(key) ?? { model, version, start, aggregate: createAggregate() };
    mergeAggregate(known.aggregate, aggregate);
    this.#windows.set(key, known);
  }

  values(): Iterable<WindowDelta> {
    return this.#windows.values();
  }

  remove(version?: string): void {
    for (const [key, window] of this.#windows)
      if (version === undefined || window.version === version) this.#windows.delete(key);
  }

  clear(): void {
    this.#windows.clear();
  }
}
