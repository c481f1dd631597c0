import type { Migration } from "../domain/durable-object/migrate.ts";
import { ACCURACY_MIGRATIONS } from "./accuracy/migrations.ts";
import { ALERT_MIGRATIONS } from "./alerts/tables.ts";
import { COLLECTOR_MIGRATIONS } from "./collector/tables.ts";

/** Of the Durable Object `METRICS`, in the order in which they are made. Each part has its own. */
export const METRICS_MIGRATIONS: readonly Migration[] = [
  ...COLLECTOR_MIGRATIONS,
  ...ACCURACY_MIGRATIONS,
  ...ALERT_MIGRATIONS,
];
