import type { AuditRecorder } from "../../domain/audit/audit-recorder.ts";
import { ApiError } from "../../domain/errors.ts";
import { type CanaryEvent, EVENT_SCHEMA_VERSION } from "../../domain/event.ts";
import type { AccuracyStore } from "../../domain/monitoring/accuracy-store.ts";
import { canarySplitOf } from "../../domain/monitoring/canary-pairs.ts";
import type { CanaryOutcome, CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import type { EventSink } from "../../domain/ports.ts";
import { type Route, type Routing, routeOf } from "../../domain/routing.ts";
import type { RoutingChange } from "../../domain/routing-change.ts";
import type { Catalog } from "../catalog.ts";
import type { RoutingEditor } from "./routing-editor.ts";

/** Who takes canaries out of splits, in histories and the audit log. */
export const MONITORING = "monitoring";
const OPERATION = "rollbackCanary";

export interface CanaryRollbackParts {
  readonly catalog: Pick<Catalog, "find" | "resolve">;
  readonly editor: RoutingEditor;
  readonly audit: AuditRecorder;
  readonly sink: EventSink;
  readonly store: (model: string) => Pick<AccuracyStore, "acknowledgeCanary">;
}

/** Does what the manifest of a canary asks for when it is worse; several isolates may hear of the same verdict. */
export type OnCanary = (model: string, verdict: CanaryVerdict) => Promise<void>;

/**
 * Takes a canary that is worse out of its split, if its manifest says so, and has one event tell of it. The split is changed only while it is
 * the one that was compared: what an administrator changes meanwhile stays.
 */
export function createCanaryRollback({
  catalog,
  editor,
  audit,
  sink,
  store,
}: CanaryRollbackParts): OnCanary {
  async function rollback(model: string, verdict: CanaryVerdict): Promise<CanaryOutcome> {
    const { alias, canary, reason } = verdict;
    const { routing } = await catalog.find(model, 0);
    if (routing instanceof ApiError) throw routing;
    if (!isCompared(routing, verdict)) return outcomeOf(routing, verdict);
    const target = { model, alias, version: canary };
    const change = await audit.begin({ operation: OPERATION, by: MONITORING, target });
    let before: Route | undefined;
    try {
      const changed = await editor.change(
        model,
        async (current) => {
          before = routeOf(current, alias);
          return withoutCanary(current, verdict);
        },
        { by: MONITORING, note: reason },
      );
      const after = routeOf(changed, alias);
      await change.end({ before: { ...before, reason: undefined }, after: { ...after, reason } });
      return "rolled_back";
    } catch (error) {
      await change.end({}, error);
      if (!(error instanceof ApiError) || error.code !== "routing_conflict") throw error;
      const { routing: current } = await catalog.find(model, 0);
      if (current instanceof ApiError) throw current;
      return outcomeOf(current, verdict);
    }
  }

  return async (model, verdict) => {
    const { manifest } = await catalog.resolve(model, verdict.canary);
    const isWanted = manifest.monitoring?.canary?.rollback === true;
    const outcome = isWanted ? await rollback(model, verdict) : "reported";
    if (await store(model).acknowledgeCanary(verdict, outcome))
      sink.emit(toEvent(model, verdict, outcome));
  };
}

/** Whether the split is still the one that was compared. */
function isCompared(routing: Routing, { alias, since, stable, canary }: CanaryVerdict): boolean {
  const split = canarySplitOf(routing, alias);
  return (
    split?.stable === stable &&
    split.canaries.some((each) => each.version === canary && each.since === since)
  );
}

/** Of a split that is another one: another isolate has done it, or somebody has changed it. */
function outcomeOf({ history }: Routing, { alias, since, canary }: CanaryVerdict): CanaryOutcome {
  const isDone = history.some(
    (entry) =>
      entry.alias === alias &&
      entry.by === MONITORING &&
      entry.revision > since &&
      !entry.to?.split.some(({ version }) => version === canary),
  );
  return isDone ? "rolled_back" : "changed";
}

/** @throws ApiError `routing_conflict` */
function withoutCanary(routing: Routing, verdict: CanaryVerdict): RoutingChange {
  const { alias, canary } = verdict;
  const route = routeOf(routing, alias);
  if (!route || !isCompared(routing, verdict))
    throw new ApiError(
      "routing_conflict",
      `The alias "${alias}" has been changed since version ${canary} was compared: it is left as it is.`,
      { details: { alias, version: canary } },
    );
  const split = route.split.filter(({ version }) => version !== canary);
  return { action: "alias", alias, split, ...(route.sticky && { sticky: route.sticky }) };
}

function toEvent(
  model: string,
  { alias, stable, canary: version, metric, significance, reason }: CanaryVerdict,
  outcome: CanaryOutcome,
): CanaryEvent {
  return {
    event: "canary",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date().toISOString(),
    model,
    alias,
    stable,
    version,
    metric,
    significance,
    reason,
    outcome,
  };
}
