import { NO_ROUTING, type Routing, type Split } from "../../src/domain/routing.ts";
import { applyChange, type RoutingChange } from "../../src/domain/routing-change.ts";

/** A split by version and weight. */
export function splitOf(weights: Readonly<Record<string, number>>): Split {
  return Object.entries(weights).map(([version, weight]) => ({ version, weight }));
}

/** Routes an alias to a version. */
export function pin(alias: string, version: string): RoutingChange {
  return { action: "alias", alias, split: splitOf({ [version]: 1 }) };
}

/** The routing after changes, each a second after the one before. */
export function routingAfter(...changes: readonly RoutingChange[]): Routing {
  return changes.reduce<Routing>(
    (routing, change, index) =>
      applyChange(routing, change, { model: "m", by: "key:00000000", now: index * 1000 }),
    NO_ROUTING,
  );
}
