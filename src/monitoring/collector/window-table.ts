import { type Aggregate, createAggregate } from "../../domain/monitoring/aggregate.ts";
import type { WindowDelta, WindowsRequest } from "../../domain/monitoring/collector.ts";
import { mergeAggregate } from "../../domain/monitoring/merge-aggregate.ts";
import type { VersionTotals, Window } from "../../domain/monitoring/monitoring.ts";
import type { Sql, SqlRow } from "../../domain/sql-storage.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The tables of aggregates. */
export function createWindowTable(sql: Sql) {
  function addTo(table: "minutes" | "hours", start: number, delta: WindowDelta): void {
    const [row] = sql.exec(
      `SELECT aggregate FROM ${table} WHERE start = ? AND version = ?`,
      start,
      delta.version,
    );
    sql.exec(
      `INSERT OR REPLACE INTO ${table} (start, version, model, aggregate) VALUES (?, ?, ?, ?)`,
      start,
      delta.version,
      delta.model,
      JSON.stringify(withAdded(row, delta.aggregate)),
    );
  }

  return {
    add(delta: WindowDelta): void {
      addTo("minutes", delta.start, delta);
      addTo("hours", floorTo(delta.start, HOUR_MS), delta);
      const [row] = sql.exec("SELECT aggregate FROM totals WHERE version = ?", delta.version);
      sql.exec(
        "INSERT OR REPLACE INTO totals (version, model, aggregate) VALUES (?, ?, ?)",
        delta.version,
        delta.model,
        JSON.stringify(withAdded(row, delta.aggregate)),
      );
    },

    totals(): VersionTotals[] {
      return [...sql.exec("SELECT model, version, aggregate FROM totals")].map(toTotals);
    },

    /** Sums of steps: of hours where the step is of hours, or a step of minutes reaches back further than minutes do; else of minutes. */
    windows(
      { version, from, to, stepSeconds }: WindowsRequest,
      oldestMinute: number,
    ): readonly Window[] {
      const stepMs = stepSeconds * 1000;
      const ofHours = stepMs % HOUR_MS === 0 || from + stepMs <= oldestMinute;
      const table = ofHours ? "hours" : "minutes";
      const unit = ofHours ? HOUR_MS : MINUTE_MS;
      const length = Math.ceil(stepMs / unit) * unit;
      const rows = sql.exec(
        `SELECT start, model, version, aggregate FROM ${table} WHERE start >= ? AND start < ? AND version = coalesce(?, version) ORDER BY start`,
        floorTo(from, length),
        to,
        version ?? null,
      );
      const windows = new Map<string, Window>();
      for (const row of rows) {
        const start = floorTo(Number(row.start), length);
        const key = `${start} ${row.version}`;
        const known = windows.get(key);
        if (known) mergeAggregate(known.aggregate, toAggregate(row));
        else windows.set(key, { ...toTotals(row), start, seconds: length / 1000 });
      }
      return [...windows.values()];
    },

    /** The oldest windows that there are. */
    oldest(): { readonly minute: number | undefined; readonly hour: number | undefined } {
      return { minute: oldestOf(sql, "minutes"), hour: oldestOf(sql, "hours") };
    },

    /** Removes windows that began then or before. */
    removeUntil(minute: number, hour: number): void {
      sql.exec("DELETE FROM minutes WHERE start <= ?", minute);
      sql.exec("DELETE FROM hours WHERE start <= ?", hour);
    },

    /** All versions when it is left out. */
    remove(version?: string): void {
      for (const table of ["minutes", "hours", "totals"])
        sql.exec(`DELETE FROM ${table} WHERE version = coalesce(?, version)`, version ?? null);
    },
  };
}

function withAdded(row: SqlRow | undefined, added: Aggregate): Aggregate {
  const sum = row ? toAggregate(row) : createAggregate();
  mergeAggregate(sum, added);
  return sum;
}

/** What a row of an older version of the program lacks is empty. */
function toAggregate(row: SqlRow): Aggregate {
  const stored = JSON.parse(String(row.aggregate)) as Aggregate;
  const empty = createAggregate();
  return { ...empty, ...stored, inference: { ...empty.inference, ...stored.inference } };
}

function toTotals(row: SqlRow): VersionTotals {
  return {
    model: String(row.model),
    version: String(row.version),
    aggregate: toAggregate(row),
  };
}

function oldestOf(sql: Sql, table: string): number | undefined {
  const [row] = sql.exec(`SELECT min(start) AS start FROM ${table}`);
  return typeof row?.start === "number" ? row.start : undefined;
}

function floorTo(time: number, unit: number): number {
  return Math.floor(time / unit) * unit;
}
