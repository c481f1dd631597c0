import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import { isJsonNumber } from "../../shared/json-number.ts";
import type { Column } from "./column.ts";
import { isMissing } from "./missing-value.ts";

/** A column of texts, as a manifest declares it. */
export interface TextColumnRule {
  readonly name: string;
  /** The texts that it may have; any when left out. */
  readonly categories?: readonly string[] | undefined;
  /** The text that a missing value becomes; when left out, a value is required. */
  readonly missing?: string | undefined;
}

const MAX_LISTED = 20;

/** Checks the cells of a column that the model takes as texts, and returns them as they are. */
export function createTextColumn({ name, categories, missing }: TextColumnRule): Column<string> {
  const known = categories && new Set(categories);
  const at = (path: string): string => `${path}, column ${JSON.stringify(name)}`;

  const absent = (value: unknown, path: string): string => {
    if (missing !== undefined) return missing;
    throw new ApiError(
      "invalid_input",
      `${at(path)} must be a text; got ${describe(value)}, a missing value, for which the model's manifest has no rule in this column.`,
      { details: { column: name, datatype: "BYTES" } },
    );
  };

  const toText = (value: unknown, path: string): string => {
    if (typeof value !== "string")
      throw new ApiError(
        "invalid_datatype",
        `${at(path)} must be a text; got ${describe(value)}.`,
        { details: { column: name, datatype: "BYTES" } },
      );
    if (!categories || !known || known.has(value)) return value;
    const more =
      categories.length > MAX_LISTED ? ` and ${categories.length - MAX_LISTED} more` : "";
    throw new ApiError(
      "invalid_input",
      `${at(path)} must be one of ${categories.slice(0, MAX_LISTED).join(", ")}${more}; got ${describe(value)}.`,
      { details: { column: name, valid: categories } },
    );
  };

  /** Of JSON, where a text is a text, however it is spelled. */
  const isAbsent = (value: unknown): boolean => {
    const isNumber = typeof value === "number" || isJsonNumber(value);
    return value === undefined || value === null || (isNumber && isMissing(value));
  };

  return {
    name,
    fromJson: (value, path) => (isAbsent(value) ? absent(value, path) : toText(value, path)),
    fromCell(cell, path) {
      const isCategory = typeof cell === "string" && known?.has(cell);
      return !isCategory && isMissing(cell) ? absent(cell, path) : this.fromJson(cell, path);
    },
  };
}
