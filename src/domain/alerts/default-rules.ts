import type { AlertRule } from "./alert-rule.ts";
import { ALERT_KINDS } from "./kinds/registry.ts";

/** What is watched where nobody has set rules: one rule of each kind, as the kind says it. */
export const DEFAULT_RULES: readonly AlertRule[] = ALERT_KINDS.map(({ kind, toRule }) =>
  toRule({ name: kind.replaceAll("_", "-"), kind }),
);
