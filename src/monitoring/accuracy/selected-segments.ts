import type { Sql, SqlRow } from "../../domain/sql-storage.ts";
import { keyToBytes } from "./request-key.ts";
import { PAGE_ROWS } from "./search-segments.ts";
import { fromLine } from "./stored-prediction.ts";

/** Whose predictions are erased or exported. */
export type PredictionFilter =
  | { readonly key: string }
  | { readonly owner: string }
  | { readonly subject: string };

export function matchesFilter(filter: PredictionFilter, key: string, line: string): boolean {
  if ("key" in filter) return key === filter.key;
  const { owner, subject } = fromLine(line);
  return "owner" in filter ? owner === filter.owner : subject === filter.subject;
}

/** A page of rows that may have what is selected, from an id on. */
export function candidateRows(sql: Sql, filter: PredictionFilter, from: number): SqlRow[] {
  const [place, needle] =
    "key" in filter
      ? (["hashes", keyToBytes(filter.key)] as const)
      : ([
          "predictions",
          JSON.stringify("owner" in filter ? filter.owner : filter.subject),
        ] as const);
  return [
    ...sql.exec(
      `SELECT id, version, hashes, predictions FROM prediction_segments WHERE id >= ? AND instr(${place}, ?) > 0 ORDER BY id LIMIT ?`,
      from,
      needle,
      PAGE_ROWS,
    ),
  ];
}
