import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import type { AlertRules } from "../../domain/alerts/alerts.ts";
import { DEFAULT_RULES } from "../../domain/alerts/default-rules.ts";
import { ALERT_KINDS, rulesSchema, toRule } from "../../domain/alerts/kinds/registry.ts";
import type { DeliveryState } from "../../domain/alerts/webhook.ts";
import type { Sql } from "../../domain/sql-storage.ts";

/** How evaluations went. */
export interface EvaluationState {
  readonly evaluations: number;
  readonly failed: number;
  /** In milliseconds since the epoch. */
  readonly evaluatedAt?: number | undefined;
  readonly problem?: string | undefined;
  readonly suppressed: number;
  /** When the rules are evaluated next; absent where nothing is to be evaluated. */
  readonly nextAt?: number | undefined;
  /** When there were requests. */
  readonly seenAt: number;
}

const NO_EVALUATIONS: EvaluationState = { evaluations: 0, failed: 0, suppressed: 0, seenAt: 0 };

export type AlertStateTable = ReturnType<typeof createAlertState>;

/** Rules, and how their evaluations went. */
export function createAlertState(sql: Sql) {
  function read<T>(name: string): T | undefined {
    const [row] = sql.exec("SELECT value FROM alert_state WHERE name = ?", name);
    return row && (JSON.parse(String(row.value)) as T);
  }

  function write(name: string, value: unknown): void {
    const text = JSON.stringify(value);
    sql.exec("INSERT OR REPLACE INTO alert_state (name, value) VALUES (?, ?)", name, text);
  }

  return {
    rules(): AlertRules {
      const stored = read<{ rules?: readonly AlertRule[]; revision: number }>("rules");
      const { rules, revision = 0 } = stored ?? {};
      return { rules: rules?.flatMap(toKnown) ?? DEFAULT_RULES, revision, isDefault: !rules };
    },

    /** @param rules `undefined` for the default rules */
    putRules(rules: readonly AlertRule[] | undefined, revision: number): void {
      write("rules", { rules, revision });
    },

    evaluation: (): EvaluationState => read("evaluation") ?? NO_EVALUATIONS,

    putEvaluation(state: EvaluationState): void {
      write("evaluation", state);
    },

    /** Attempts since the first one, by the state that they have left. */
    deliveries: (): Readonly<Record<string, number>> => read("deliveries") ?? {},

    countDelivery(state: DeliveryState): void {
      const counts = read<Record<string, number>>("deliveries") ?? {};
      write("deliveries", { ...counts, [state]: (counts[state] ?? 0) + 1 });
    },
  };
}

/** A rule that another version of the program has stored may lack parameters, or be of a kind that there is not. */
function toKnown(rule: AlertRule): readonly AlertRule[] {
  const isKnown = ALERT_KINDS.some(({ kind }) => kind === rule.kind);
  return isKnown && rulesSchema.safeParse([rule]).success ? [toRule({ ...rule })] : [];
}
