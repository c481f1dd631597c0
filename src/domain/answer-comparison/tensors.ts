import { NUMERIC_DATATYPES } from "../datatype.ts";
import { type NumericTensor, type Tensor, toTypedArray } from "../tensor.ts";
import { type Comparison, DIFFERENT_STRUCTURE } from "./comparison.ts";
import { differencesOf } from "./numbers.ts";
import { combine } from "./over-items.ts";

/**
 * What must agree of the numbers of an output: the place of the largest or smallest one in each row, or all numbers within the tolerance
 * of regressions. Outputs with one number in a row, and integers, strings and booleans, have no such place.
 */
export type TensorRule = "argmax" | "argmin" | "tolerance";

/** Compares the outputs of two runs by their names. */
export function compareTensors(
  first: readonly Tensor[],
  second: readonly Tensor[],
  rule: TensorRule,
): Comparison {
  if (first.length !== second.length) return DIFFERENT_STRUCTURE;
  const byName = new Map(second.map((tensor) => [tensor.name, tensor]));
  return combine(
    first.map((tensor) => {
      const other = byName.get(tensor.name);
      return other ? compareTensor(tensor, other, rule) : DIFFERENT_STRUCTURE;
    }),
  );
}

function compareTensor(first: Tensor, second: Tensor, rule: TensorRule): Comparison {
  const { datatype, shape } = first;
  if (datatype !== second.datatype || String(shape) !== String(second.shape))
    return DIFFERENT_STRUCTURE;
  if (datatype === "BYTES") return compareStrings(first.data, second.data as readonly string[]);
  const [a, b] = [toTypedArray(first), toTypedArray(second as NumericTensor)];
  if (a.length !== b.length) return DIFFERENT_STRUCTURE;
  const { absolute, nonFinite, isWithin } = differencesOf(a, b);
  if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
  const { kind } = NUMERIC_DATATYPES[datatype];
  const columns = shape.at(-1) ?? 1;
  const hasRows = kind === "float" && columns > 1 && rule !== "tolerance";
  const same =
    kind === "float"
      ? hasRows
        ? hasSamePlaces(a as ArrayLike<number>, b as ArrayLike<number>, columns, rule)
        : isWithin
      : absolute === 0 && areEqual(a, b);
  return { same, measure: "absolute_difference", distance: absolute };
}

function compareStrings(first: readonly string[], second: readonly string[]): Comparison {
  const same = areEqual(first, second);
  return { same, measure: "structure", distance: same ? 0 : 1 };
}

/** 64-bit integers may differ by less than doubles can tell. */
function areEqual(first: ArrayLike<unknown>, second: ArrayLike<unknown>): boolean {
  for (let index = 0; index < first.length; index++)
    if (first[index] !== second[index]) return false;
  return first.length === second.length;
}

function hasSamePlaces(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  columns: number,
  rule: "argmax" | "argmin",
): boolean {
  const sign = rule === "argmax" ? 1 : -1;
  for (let row = 0; row < first.length; row += columns)
    if (placeIn(first, row, columns, sign) !== placeIn(second, row, columns, sign)) return false;
  return true;
}

/** The first place of the largest number, or of the smallest one. */
function placeIn(values: ArrayLike<number>, row: number, columns: number, sign: number): number {
  let place = 0;
  for (let column = 1; column < columns; column++) {
    const value = values[row + column] as number;
    if (sign * value > sign * (values[row + place] as number)) place = column;
  }
  return place;
}
