import { ApiError } from "../../domain/errors.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { describe, fromJsonData } from "../../domain/tensor-json.ts";
import { type Encoder, maxBatchOf, splitList } from "../encoder.ts";
import { NO_PARAMETERS } from "../parameters.ts";

/** Rows of a table: one or a list, each an array in the columns' order or an object by column name. */
export function createTabularEncoder(spec: TensorSpec, columns: readonly string[]): Encoder {
  const expected = `a row of ${columns.length} values (${columns.join(", ")}), an object by those names, or a list of rows`;

  const toRow = (row: unknown, place: string): readonly unknown[] => {
    if (Array.isArray(row)) {
      if (row.length === columns.length) return row;
      throw new ApiError(
        "invalid_shape",
        `${place} has ${row.length} values, but the model takes ${columns.length}: ${columns.join(", ")}.`,
        { details: { expected: columns, actual: row.length } },
      );
    }
    if (typeof row !== "object" || row === null)
      throw new ApiError("invalid_input", `${place} must be ${expected}; got ${describe(row)}.`);
    const values = new Map(Object.entries(row));
    const unknown = [...values.keys()].filter((name) => !columns.includes(name));
    const missing = columns.filter((name) => !values.has(name));
    if (unknown.length > 0 || missing.length > 0)
      throw new ApiError(
        "invalid_input",
        `${place} must have the columns ${columns.join(", ")};${missing.length > 0 ? ` missing: ${missing.join(", ")};` : ""}${unknown.length > 0 ? ` unknown: ${unknown.join(", ")};` : ""} nothing more, nothing less.`,
        { details: { expected: columns, missing, unknown } },
      );
    return columns.map((name) => values.get(name));
  };

  return {
    mediaTypes: [],
    parameters: NO_PARAMETERS,
    maxBatch: maxBatchOf(spec.shape[0], Number.POSITIVE_INFINITY),
    split(inputs) {
      const [first] = Array.isArray(inputs) ? inputs : [];
      const isList = typeof first === "object" && first !== null;
      return isList
        ? splitList(inputs)
        : { items: [{ value: inputs, place: "inputs" }], form: "one" };
    },
    encode(items, { trace }) {
      return trace.measure("preprocess", () => {
        const rows = items.map(({ value, place }) => toRow(value, place));
        const shape = [rows.length, columns.length];
        return { tensors: [fromJsonData(spec.name, spec.datatype, shape, rows)] };
      });
    },
  };
}
