import type { AlertMessage } from "../../domain/alerts/alert-message.ts";
import type { AlertMethods, AlertsSummary } from "../../domain/alerts/alerts.ts";
import type { DataSelector } from "../../domain/data-selector.ts";
import { ApiError } from "../../domain/errors.ts";
import { toPrincipalId } from "../../domain/event-owners.ts";
import type { Batch, MetricsCollector } from "../../domain/monitoring/collector.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { settlesWithin } from "../../shared/settles-within.ts";
import type { MetricsEnvironment } from "../environment.ts";
import type { MonitoringPart } from "../part.ts";
import { createAlertState } from "./alert-state.ts";
import { createAlertTable } from "./alert-table.ts";
import { createDeliverer } from "./deliver.ts";
import { createEvaluator } from "./evaluator.ts";
import { createOutbox } from "./outbox.ts";
import { createSendMessage } from "./send-message.ts";
import { createSigningSecrets } from "./signing-secrets.ts";
import { createWebhookTable } from "./webhook-table.ts";
import { createWebhooks } from "./webhooks.ts";

/** A receiver has so long; Standard Webhooks recommends 15 to 30 seconds. */
const SEND_TIMEOUT_MS = 15_000;
/** Whoever tests a webhook waits no longer than that for the answers. */
const TEST_WAIT_MS = 8000;
/** Between two alarms while an evaluation or deliveries go on. */
const BUSY_MS = 10_000;

/** Alerts are those of the shard of the service; in others all of it rests. */
export interface Alerting extends AlertMethods, MonitoringPart {
  /** Looks whether a batch tells of requests. */
  see(batch: Pick<Batch, "models" | "windows">): void;
}

export interface AlertingParts {
  readonly storage: SqlStorage;
  /** Of this shard. */
  readonly collector: Pick<MetricsCollector, "windows" | "models">;
  readonly environment: MetricsEnvironment;
  /** Called when something is due earlier than before. */
  readonly onDue: () => void;
  readonly random?: () => number;
  /** Gets the work that goes on beside the calls of the object. */
  readonly onWork?: (work: Promise<void>) => void;
}

/** Rules, alerts, webhooks and their messages, in the Durable Object of the service. */
export function createAlerting({
  storage,
  collector,
  environment,
  onDue,
  random = Math.random,
  onWork = () => undefined,
}: AlertingParts): Alerting {
  const { sql, transaction, now } = storage;
  const { privacyKey, fetch, userAgent, emit, evaluateEveryMs: everyMs } = environment;
  const state = createAlertState(sql);
  const alerts = createAlertTable(sql);
  const table = createWebhookTable(sql);
  const outbox = createOutbox(sql);
  const secrets = privacyKey && createSigningSecrets(privacyKey);
  const webhooks = createWebhooks({ storage, table, outbox, secrets });
  const evaluator = createEvaluator({
    storage,
    state,
    alerts,
    webhooks: table,
    outbox,
    everyMs,
    emit,
    sources: {
      models: () => collector.models(),
      windows: (model, request) =>
        (model === "" ? collector : environment.shard(model)).windows(request),
      reports: environment.reports,
    },
  });
  const deliverer = createDeliverer({
    storage,
    webhooks: table,
    outbox,
    secrets,
    send: createSendMessage({ fetch, userAgent, now, timeoutMs: SEND_TIMEOUT_MS }),
    random,
    onAttempt: (ended) => state.countDelivery(ended),
  });
  let isEvaluating = false;

  function deliver(): Promise<void> {
    const delivered = deliverer.deliver();
    void delivered.then(onDue, onDue);
    return delivered;
  }

  /** One at a time. */
  async function evaluate(): Promise<void> {
    if (isEvaluating) return;
    isEvaluating = true;
    try {
      await evaluator.evaluate();
    } finally {
      isEvaluating = false;
    }
    await deliver();
  }

  /** What goes on already goes on to what is due after it; the alarm is for an object that ends in the middle of it. */
  function later(at: number | undefined, goesOn: boolean): number | undefined {
    return at !== undefined && goesOn ? Math.max(at, now() + BUSY_MS) : at;
  }

  /** A receiver that hangs keeps neither calls nor the alarm waiting. */
  function beside(work: Promise<void>): void {
    onWork(work.catch(() => undefined));
  }

  function summarize(): AlertsSummary {
    const { evaluations, failed, evaluatedAt } = state.evaluation();
    const all = [...alerts.all().values()];
    return {
      firing: all
        .filter((alert) => alert.state === "firing")
        .map(({ rule, severity, model, version }) => ({ rule, severity, model, version })),
      pending: all.filter((alert) => alert.state === "pending").length,
      evaluations,
      failedEvaluations: failed,
      evaluatedAt,
      deliveries: state.deliveries(),
      waiting: outbox.waiting(),
      reports: evaluator.reports(),
    };
  }

  return {
    dueAt() {
      const times = [
        later(evaluator.nextAt(), isEvaluating),
        later(outbox.nextAt(), deliverer.isBusy()),
      ].filter((at) => at !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },

    async work() {
      if (now() >= (evaluator.nextAt() ?? Number.POSITIVE_INFINITY)) beside(evaluate());
      beside(deliver());
    },

    see({ models, windows }) {
      if (everyMs === Number.POSITIVE_INFINITY) return;
      if (models.length > 0 || windows.some(({ model }) => model === "")) evaluator.see();
    },

    async alerts({ limit, before }) {
      const { evaluatedAt, problem, suppressed } = state.evaluation();
      const history = alerts.history(limit, before);
      return { alerts: [...alerts.all().values()], history, evaluatedAt, problem, suppressed };
    },

    alertsSummary: async () => summarize(),

    /** Of the shard that evaluates them. */
    gauges: async () => (state.evaluation().evaluations > 0 ? { alerts: summarize() } : {}),

    alertRules: async () => state.rules(),

    async putAlertRules(rules, ifRevision) {
      const changed = transaction(() => {
        const before = state.rules();
        if (ifRevision !== undefined && ifRevision !== before.revision)
          throw new ApiError(
            "precondition_failed",
            `The rules have revision ${before.revision} now, and not ${ifRevision}: read them again, and repeat the change.`,
            { details: { revision: before.revision } },
          );
        state.putRules(rules, before.revision + 1);
        return { before, after: state.rules() };
      });
      // Alerts of rules that are gone end without waiting for requests.
      if (alerts.all().size > 0) evaluator.hasten();
      return changed;
    },

    webhooks: webhooks.webhooks,
    webhook: webhooks.webhook,
    putWebhook: webhooks.putWebhook,
    rotateWebhook: webhooks.rotateWebhook,
    deleteWebhook: webhooks.deleteWebhook,

    deliveries: async (query) => outbox.list(query),

    async retryDeliveries(name) {
      webhooks.find(name);
      return transaction(() => outbox.retry(name, now()));
    },

    async testWebhooks(name) {
      if (name !== undefined) webhooks.find(name);
      const enabled = table.all().filter((webhook) => webhook.state === "enabled");
      const names = enabled.map((webhook) => webhook.name);
      const receivers = name === undefined ? names : [name];
      const id = `test_${crypto.randomUUID().replaceAll("-", "")}`;
      transaction(() => outbox.enqueue(toTestMessage(id, now()), receivers, now()));
      await settlesWithin(deliver(), TEST_WAIT_MS);
      return outbox.ofMessage(id);
    },

    async erase(selector) {
      evaluator.forgetRead();
      let erased = 0;
      for (const item of await itemsOf(selector))
        erased += transaction(() => alerts.erase(item) + outbox.erase(item));
      return erased;
    },

    async export(selector) {
      return (await itemsOf(selector)).flatMap((item) => alerts.export(item));
    },
  };

  /** Alerts tell of clients by the labels of their principals, and of no subject and no request. */
  async function itemsOf({ kind, value }: DataSelector): Promise<readonly string[]> {
    if (kind !== "key") return [];
    const all = new Set([...alerts.items(), ...outbox.items()]);
    const ids = await Promise.all([...all].map(async (item) => [item, await toPrincipalId(item)]));
    return ids.flatMap(([item = "", id]) => (id === value ? [item] : []));
  }
}

function toTestMessage(id: string, at: number) {
  const message: Omit<AlertMessage, "data"> & { readonly data: object } = {
    type: "alert.test",
    timestamp: new Date(at).toISOString(),
    data: { summary: "This is a test of the webhook. Nothing is wrong." },
  };
  return { id, type: message.type, body: JSON.stringify(message) };
}
