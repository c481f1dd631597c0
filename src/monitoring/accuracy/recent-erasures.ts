import { type DataSelector, selects } from "../../domain/data-selector.ts";
import type { Sql } from "../../domain/sql-storage.ts";
import { toRequestKey } from "./request-key.ts";
import type { StoredPrediction } from "./stored-prediction.ts";

/** A key with its prediction, whether it was erased before it arrived. */
export type IsErased = (key: string, prediction: StoredPrediction) => boolean;

/** By the erasures of the last time, of which the collector has a list. */
export function erasedBefore(sql: Sql): IsErased {
  const erasures = [...sql.exec("SELECT kind, value, at FROM erasures")].map((row) => {
    const { kind, value } = row as unknown as DataSelector;
    const selector = { kind, value: kind === "request" ? toRequestKey(value) : value };
    return { selector, at: Number(row.at) };
  });
  return (request, { owner: principal, subject, time }) =>
    erasures.some(
      ({ selector, at }) => time <= at && selects(selector, { principal, subject, request }),
    );
}
