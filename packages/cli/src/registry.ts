import type { CliCommand } from "./command.ts";
import { ACCURACY } from "./commands/accuracy.ts";
import { ALERTS } from "./commands/alerts.ts";
import { ALIAS } from "./commands/alias.ts";
import { AUDIT } from "./commands/audit.ts";
import { BACKGROUND } from "./commands/background.ts";
import { COMPLETION } from "./commands/completion.ts";
import { DELETE } from "./commands/delete.ts";
import { DEPLOY } from "./commands/deploy.ts";
import { DEV } from "./commands/dev.ts";
import { DIFF } from "./commands/diff.ts";
import { DOCTOR } from "./commands/doctor.ts";
import { DRIFT } from "./commands/drift.ts";
import { ERASE } from "./commands/erase.ts";
import { EXPLAIN } from "./commands/explain.ts";
import { EXPORT_DATA } from "./commands/export-data.ts";
import { FEEDBACK } from "./commands/feedback.ts";
import { GC } from "./commands/gc.ts";
import { HISTORY } from "./commands/history.ts";
import { INIT } from "./commands/init.ts";
import { INSPECT } from "./commands/inspect.ts";
import { KEYS } from "./commands/keys.ts";
import { LIST } from "./commands/list.ts";
import { LOGS } from "./commands/logs.ts";
import { PREDICT } from "./commands/predict.ts";
import { PROFILE } from "./commands/profile.ts";
import { PROMOTE } from "./commands/promote.ts";
import { PUSH } from "./commands/push.ts";
import { ROLLBACK } from "./commands/rollback.ts";
import { SHADOW } from "./commands/shadow.ts";
import { SPLIT } from "./commands/split.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly CliCommand[] = [
  INIT,
  DEV,
  DEPLOY,
  DOCTOR,
  PUSH,
  LIST,
  INSPECT,
  PREDICT,
  EXPLAIN,
  FEEDBACK,
  ACCURACY,
  DIFF,
  PROFILE,
  BACKGROUND,
  DELETE,
  ALIAS,
  PROMOTE,
  SPLIT,
  SHADOW,
  ROLLBACK,
  HISTORY,
  KEYS,
  AUDIT,
  ERASE,
  EXPORT_DATA,
  LOGS,
  ALERTS,
  DRIFT,
  GC,
  COMPLETION,
];
