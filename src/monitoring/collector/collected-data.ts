import type { DataSelector } from "../../domain/data-selector.ts";
import { eventsOf, toPrincipalId } from "../../domain/event-owners.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { Batch } from "../../domain/monitoring/collector.ts";
import { OTHER } from "../../domain/monitoring/counts.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import type { PendingWindows } from "./pending-windows.ts";
import type { RecentEventLog } from "./recent-events.ts";

/** Longer than a sender tries to send what it has. */
const LATE_MS = 3_600_000;
const TABLES = ["minutes", "hours", "totals"] as const;

export interface CollectedDataParts {
  readonly pending: PendingWindows;
  readonly recent: RecentEventLog;
}

/** What tells of somebody: counts by principals, and the last events. */
export function createCollectedData(
  { sql, transaction, now }: SqlStorage,
  { pending, recent }: CollectedDataParts,
) {
  /** Of data that may still arrive. */
  function erasures(): DataSelector[] {
    const rows = sql.exec("SELECT kind, value FROM erasures WHERE at > ?", now() - LATE_MS);
    return [...rows].map(({ kind, value }) => ({ kind, value }) as DataSelector);
  }

  /** The labels of a principal that rows have. */
  async function labelsOf({ kind, value }: DataSelector): Promise<string[]> {
    if (kind !== "key") return [];
    const found = new Set<string>();
    for (const table of TABLES)
      for (const { key } of sql.exec(
        `SELECT DISTINCT each.key AS key FROM ${table}, json_each(${table}.aggregate, '$.principals') AS each`,
      ))
        if ((await toPrincipalId(String(key))) === value) found.add(String(key));
    return [...found];
  }

  function rowsWith(table: string, label: string) {
    const place = table === "totals" ? "version" : "start, version";
    return [
      ...sql.exec(
        `SELECT ${place}, aggregate FROM ${table} WHERE EXISTS (SELECT 1 FROM json_each(aggregate, '$.principals') AS each WHERE each.key = ?)`,
        label,
      ),
    ];
  }

  /** Their requests are those of others from then on. */
  function anonymize(label: string): number {
    let changed = 0;
    for (const table of TABLES)
      for (const row of rowsWith(table, label)) {
        const aggregate = JSON.parse(String(row.aggregate)) as Aggregate;
        moveToOther(aggregate, label);
        const at = table === "totals" ? "" : "AND start = ?";
        sql.exec(
          `UPDATE ${table} SET aggregate = ? WHERE version = ? ${at}`,
          JSON.stringify(aggregate),
          row.version ?? "",
          ...(table === "totals" ? [] : [row.start ?? 0]),
        );
        changed++;
      }
    return changed;
  }

  async function withoutPrincipals(
    aggregate: Aggregate,
    selectors: readonly DataSelector[],
  ): Promise<void> {
    for (const label of Object.keys(aggregate.principals)) {
      const value = await toPrincipalId(label);
      if (selectors.some((selector) => selector.kind === "key" && selector.value === value))
        moveToOther(aggregate, label);
    }
  }

  return {
    /** A batch without what was erased before it came. */
    async withoutErased(batch: Batch): Promise<Batch> {
      const selectors = erasures();
      if (selectors.length === 0) return batch;
      for (const { aggregate } of batch.windows) await withoutPrincipals(aggregate, selectors);
      const erased = await eventsOf(batch.events, selectors);
      return { ...batch, events: batch.events.filter((event) => !erased.has(event)) };
    },

    async erase(selector: DataSelector): Promise<number> {
      sql.exec(
        "INSERT OR REPLACE INTO erasures (kind, value, at) VALUES (?, ?, ?)",
        selector.kind,
        selector.value,
        now(),
      );
      for (const { aggregate } of pending.values()) await withoutPrincipals(aggregate, [selector]);
      const events = await recent.remove([selector]);
      const labels = await labelsOf(selector);
      const rows = transaction(() => labels.reduce((sum, label) => sum + anonymize(label), 0));
      return events + rows;
    },

    async export(selector: DataSelector): Promise<readonly unknown[]> {
      const events = [...(await eventsOf(recent.all(), [selector]))];
      const labels = await labelsOf(selector);
      const counts = labels.flatMap((label) =>
        TABLES.flatMap((table) =>
          rowsWith(table, label).map(({ start, version, aggregate }) => ({
            table,
            ...(start !== undefined && { start: new Date(Number(start)).toISOString() }),
            version,
            principal: label,
            requests: (JSON.parse(String(aggregate)) as Aggregate).principals[label],
          })),
        ),
      );
      return [...events, ...counts];
    },

    /** When the first erasure need not be remembered any more. */
    expiresAt(): number | undefined {
      const [row] = sql.exec("SELECT min(at) AS at FROM erasures");
      return typeof row?.at === "number" ? row.at + LATE_MS : undefined;
    },

    sweep(): void {
      sql.exec("DELETE FROM erasures WHERE at <= ?", now() - LATE_MS);
    },
  };
}

function moveToOther({ principals }: Aggregate, label: string): void {
  principals[OTHER] = (principals[OTHER] ?? 0) + (principals[label] ?? 0);
  delete principals[label];
}
