import { type Aggregate, createAggregate } from "../../domain/monitoring/aggregate.ts";
import type { Counts } from "../../domain/monitoring/counts.ts";
import { addLabel } from "../../domain/monitoring/merge-aggregate.ts";
import type { Monitoring, VersionTotals } from "../../domain/monitoring/monitoring.ts";
import type { EventSink } from "../../domain/ports.ts";
import { LruMap } from "../../shared/lru-map.ts";
import { countEvent, type Place, placeOf } from "./fold-event.ts";

export interface IsolateTotalsOptions {
  /** What else is counted, since the last call: losses of sinks by reason, and what became of models in memory. */
  readonly takeLosses?: () => Counts;
  readonly takeEngine?: () => Promise<Counts>;
  readonly now?: () => number;
}

/** The totals of this isolate, for a deployment without a collector. */
export interface IsolateTotals extends Pick<Monitoring, "metrics"> {
  readonly sink: EventSink;
  /** Drops those of a version that was deleted. */
  forget(model: string, version: string): void;
}

/** Versions with totals; those of the one that was requested least recently are dropped first. */
const MAX_VERSIONS = 1000;

export function createIsolateTotals({
  takeLosses,
  takeEngine,
  now = Date.now,
}: IsolateTotalsOptions = {}): IsolateTotals {
  const versions = new LruMap<string, VersionTotals>(MAX_VERSIONS);
  const models = new LruMap<string, true>(MAX_VERSIONS);
  /** Of requests without a model, which are never dropped. */
  const service = createAggregate();

  function aggregateOf({ model, version }: Place): Aggregate {
    if (model === "") return service;
    const key = `${model}@${version}`;
    const known = versions.get(key);
    if (known) return known.aggregate;
    const totals = { model, version, aggregate: createAggregate() };
    versions.set(key, totals);
    models.set(model, true);
    return totals.aggregate;
  }

  return {
    sink: {
      emit(event) {
        const place = placeOf(event, (model) => models.peek(model) === true);
        if (!place) return;
        const aggregate = aggregateOf(place);
        // Metrics have nothing of inputs and predictions.
        countEvent(aggregate, event, now());
        // Numbers of a client would have to be erased with it.
        aggregate.principals = {};
      },
    },
    async metrics() {
      for (const [reason, count] of Object.entries(takeLosses?.() ?? {}))
        addLabel(service, "lost", reason, count);
      for (const [what, count] of Object.entries((await takeEngine?.()) ?? {}))
        addLabel(service, "engine", what, count);
      const totals = [{ model: "", version: "", aggregate: service }, ...versions.values()];
      // A copy: requests go on.
      return { value: [{ model: "", totals: structuredClone(totals) }], unreachable: [] };
    },
    forget: (model, version) => void versions.delete(`${model}@${version}`),
  };
}
