import type { Alert, Transition } from "../../domain/alerts/alert.ts";
import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { Readings } from "../../domain/alerts/readings.ts";
import type { TelemetryEvent } from "../../domain/event.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import type { AlertStateTable } from "./alert-state.ts";
import type { AlertTable } from "./alert-table.ts";
import { alertIdOf, isMuted, toAlertEvent, toMessage } from "./announce.ts";
import { evaluateRules } from "./evaluate-rules.ts";
import type { Outbox } from "./outbox.ts";
import { type AlertSources, createReadingCache, readReadings } from "./read-readings.ts";
import { receives, type WebhookTable } from "./webhook-table.ts";

/** Without requests for so long, and without an alert that is pending or firing, nothing is evaluated. */
const IDLE_MS = 1_800_000;
/** Between two evaluations, after which nobody knows what was in between. */
const MIN_GAP_MS = 300_000;
const GAP_INTERVALS = 5;
const SWEEP_MS = 3_600_000;
const MAX_PROBLEM = 500;

export interface EvaluatorParts {
  readonly storage: SqlStorage;
  readonly state: AlertStateTable;
  readonly alerts: AlertTable;
  readonly webhooks: WebhookTable;
  readonly outbox: Outbox;
  readonly sources: AlertSources;
  readonly everyMs: number;
  readonly emit: (event: TelemetryEvent) => void;
}

/** Evaluates the rules while there are requests. What an evaluation changes is stored together with its messages, or not at all. */
export function createEvaluator(parts: EvaluatorParts) {
  const { storage, state, alerts, webhooks, outbox, sources, everyMs, emit } = parts;
  const cache = createReadingCache();
  const maxGapMs = Math.max(MIN_GAP_MS, GAP_INTERVALS * everyMs);
  let { nextAt, seenAt } = state.evaluation();
  let sweepAt = storage.now() + SWEEP_MS;

  function isActive(now: number): boolean {
    if (now - seenAt < IDLE_MS) return true;
    return [...alerts.all().values()].some((alert) => alert.state !== "resolved");
  }

  /** What an alert is beyond, and says, as its rule has it; what is known of it after its rule is gone. */
  function ruleOf(rules: readonly AlertRule[], alert: Alert) {
    const rule = rules.find(({ name }) => name === alert.rule);
    return rule ?? { threshold: 0, description: undefined, mutedUntil: undefined };
  }

  /** @returns how many alerts did not begin, because there are too many */
  function store(rules: readonly AlertRule[], readings: Readings): number {
    const { now } = readings;
    const events: TelemetryEvent[] = [];
    const suppressed = storage.transaction(() => {
      const before = alerts.all();
      const evaluation = evaluateRules(rules, before, readings, maxGapMs);
      for (const [key, { alert, transition }] of evaluation.advanced) {
        if (!alert) alerts.remove(key);
        else if (transition) events.push(record(rules, alert, transition, now));
        else alerts.put(alert);
      }
      announceLate(rules, now);
      return evaluation.suppressed;
    });
    for (const event of events) emit(event);
    return suppressed;
  }

  function record(
    rules: readonly AlertRule[],
    alert: Alert,
    transition: Transition,
    now: number,
  ): TelemetryEvent {
    const rule = ruleOf(rules, alert);
    const seq = alerts.append(transition, now, alert);
    const id = transition === "firing" ? alertIdOf(seq, now) : (alert.id ?? alertIdOf(seq, now));
    const isTold = transition === "firing" ? !isMuted(rule, now) : alert.isAnnounced;
    const told = { ...alert, id, isAnnounced: isTold };
    const messageId = isTold ? announce(told, rule, transition, now) : undefined;
    alerts.put(told);
    alerts.complete(seq, told, messageId);
    return toAlertEvent(told, rule.threshold, transition, now);
  }

  function announce(
    alert: Alert & { readonly id: string },
    rule: Pick<AlertRule, "description" | "threshold">,
    transition: Transition,
    now: number,
  ): string {
    const message = toMessage(alert, rule, transition);
    const receivers = webhooks.all().filter((webhook) => receives(webhook, alert));
    outbox.enqueue(
      message,
      receivers.map(({ name }) => name),
      now,
    );
    return message.id;
  }

  /** Alerts that began to fire while their rule was muted. */
  function announceLate(rules: readonly AlertRule[], now: number): void {
    for (const alert of alerts.all().values()) {
      const { id } = alert;
      const rule = ruleOf(rules, alert);
      if (alert.state !== "firing" || alert.isAnnounced || id === undefined) continue;
      if (isMuted(rule, now)) continue;
      announce({ ...alert, id }, rule, "firing", now);
      alerts.put({ ...alert, isAnnounced: true });
    }
  }

  return {
    /** When the rules are evaluated next; `undefined` while nothing happens. */
    nextAt: (): number | undefined => nextAt,

    /** What was last read beside requests. */
    reports: () => [...cache.reports.values()].map(({ at: _, ...reported }) => reported),

    /** Forgets what was read, in which something has been erased. */
    forgetRead(): void {
      cache.past.clear();
    },

    /** There were requests. */
    see(): void {
      const now = storage.now();
      const isLate = now - seenAt >= everyMs;
      seenAt = now;
      if (nextAt !== undefined && !isLate) return;
      nextAt ??= now + everyMs;
      state.putEvaluation({ ...state.evaluation(), nextAt, seenAt });
    },

    /** Soon, because something has changed. */
    hasten(): void {
      nextAt = storage.now();
    },

    /** Evaluates the rules once. It fails by its state, and never throws. */
    async evaluate(): Promise<void> {
      const begunAt = storage.now();
      // First, so that an object that ends in the middle of it evaluates again by its alarm.
      nextAt = begunAt + everyMs;
      state.putEvaluation({ ...state.evaluation(), nextAt, seenAt });
      const last = state.evaluation();
      let problem: string | undefined;
      let { suppressed } = last;
      try {
        const active = state.rules().rules.filter(({ enabled }) => enabled);
        const readings = await readReadings(active, sources, begunAt, cache);
        // The rules of now: they may have changed while it was read.
        suppressed = store(state.rules().rules, readings);
        if (readings.problems.length > 0) problem = readings.problems.join("; ");
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
      const now = storage.now();
      if (!isActive(now)) nextAt = undefined;
      state.putEvaluation({
        evaluations: last.evaluations + 1,
        failed: last.failed + (problem === undefined ? 0 : 1),
        evaluatedAt: now,
        problem: problem?.slice(0, MAX_PROBLEM),
        suppressed,
        nextAt,
        seenAt,
      });
      if (now < sweepAt) return;
      sweepAt = now + SWEEP_MS;
      storage.transaction(() => {
        alerts.sweep(now);
        outbox.sweep(now);
      });
    },
  };
}
