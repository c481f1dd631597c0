import { DurableObject } from "cloudflare:workers";
import { toOutcomeLater } from "../domain/durable-object/outcome.ts";
import { METRICS_METHODS, type MetricsMethod } from "../domain/monitoring/metrics-methods.ts";
import type { MetricsEnvironment } from "../monitoring/environment.ts";
import { createMetricsObject, type MetricsObject } from "../monitoring/metrics-object.ts";

/**
 * What was collected of all isolates, binding `METRICS`: one object for each model, and one for the service. It has the methods of
 * `METRICS_METHODS`, and one alarm for whatever is due next.
 */
export class MetricsCollector extends DurableObject<unknown> {
  /** What objects use of their Worker: set by the service, which knows its bindings by the names that the Worker gives them. */
  static environmentOf: (env: unknown) => MetricsEnvironment | undefined = () => undefined;

  readonly #object: MetricsObject;
  #alarmAt: number | undefined;

  static {
    for (const name of Object.keys(METRICS_METHODS) as MetricsMethod[])
      Object.defineProperty(MetricsCollector.prototype, name, {
        value(this: MetricsCollector, ...args: never[]) {
          return this.#call(name, args);
        },
      });
  }

  constructor(context: DurableObjectState, env: unknown) {
    super(context, env);
    const { storage } = context;
    this.#object = createMetricsObject(
      {
        sql: { exec: (query, ...bindings) => storage.sql.exec(query, ...bindings) },
        transaction: (work) => storage.transactionSync(work),
        now: () => Date.now(),
      },
      () => context.waitUntil(this.#setAlarm()),
      MetricsCollector.environmentOf(env),
      // What goes on beside an alarm would end with it.
      (work) => context.waitUntil(work),
    );
  }

  async #call(name: MetricsMethod, args: never[]): Promise<unknown> {
    const method = this.#object[name] as (...args: never[]) => Promise<unknown>;
    const outcome = await toOutcomeLater(() => method(...args));
    await this.#setAlarm();
    return outcome;
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    try {
      await this.#object.work();
    } finally {
      await this.#setAlarm();
    }
  }

  /** It only ever comes earlier: what is due when it comes is looked for then. */
  async #setAlarm(): Promise<void> {
    const at = this.#object.dueAt();
    if (at === undefined || (this.#alarmAt !== undefined && this.#alarmAt <= at)) return;
    this.#alarmAt = at;
    await this.ctx.storage.setAlarm(at);
  }
}
