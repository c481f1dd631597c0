import { toSum } from "./arithmetic.ts";
import {
  type Atom,
  ColumnValue,
  type Element,
  UnexplainableError,
  WeightedSum,
} from "./element.ts";
import { functionOf } from "./functions-of-columns.ts";

/** Products that are computed for one operator, and weights that are kept of it: tens of milliseconds, tens of megabytes. */
const MAX_PRODUCTS = 8_000_000;
const MAX_WEIGHTS = 4_000_000;

/**
 * Weighted sums of elements.
 * @param weightOf the weight of an element in a sum
 * @throws UnexplainableError for an element that is no sum, and for too many products
 */
export function combine(
  elements: readonly Element[],
  sums: number,
  weightOf: (element: number, sum: number) => number,
  name: string,
): Element[] {
  if (elements.every((element) => typeof element === "number"))
    return Array.from({ length: sums }, (_, sum) =>
      elements.reduce<number>((total, element, at) => total + element * weightOf(at, sum), 0),
    );
  const parts = elements.map((element) => toSum(element, name));
  const atoms: Atom[] = [];
  const places = new Map<Atom, number>();
  const positions = new Map<readonly Atom[], Int32Array>();
  let products = 0;
  for (const part of parts) {
    products += part.atoms.length * sums;
    if (positions.has(part.atoms)) continue;
    const own = Int32Array.from(part.atoms, (atom) => {
      const known = places.get(atom);
      if (known !== undefined) return known;
      places.set(atom, atoms.length);
      return atoms.push(atom) - 1;
    });
    positions.set(part.atoms, own);
  }
  if (products > MAX_PRODUCTS || atoms.length * sums > MAX_WEIGHTS)
    throw new UnexplainableError(
      `the model's operator ${name} has ${products} products, and up to ${MAX_PRODUCTS} are followed`,
    );
  return Array.from({ length: sums }, (_, sum) => {
    const weights = new Float64Array(atoms.length);
    let constant = 0;
    for (const [at, part] of parts.entries()) {
      const factor = weightOf(at, sum);
      if (factor === 0) continue;
      constant += factor * part.constant;
      const own = positions.get(part.atoms) as Int32Array;
      for (let index = 0; index < own.length; index++)
        (weights[own[index] as number] as number) += factor * (part.weights[index] as number);
    }
    return simplify(new WeightedSum(atoms, weights, constant));
  });
}

/** The sum of elements. */
export function sumOf(elements: readonly Element[], name: string): Element {
  const [sum] = combine(elements, 1, () => 1, name);
  return sum ?? 0;
}

/** A sum of functions of one column is a function of that column. */
function simplify(sum: WeightedSum): Element {
  const { atoms, weights, constant } = sum;
  const [first] = atoms;
  if (!(first instanceof ColumnValue)) return sum;
  const isOne = atoms.every((atom) => atom instanceof ColumnValue && atom.column === first.column);
  if (!isOne) return sum;
  return functionOf(
    atoms as readonly ColumnValue[],
    (cells) =>
      cells.reduce<number>(
        (total, cell, at) => total + Number(cell) * (weights[at] ?? 0),
        constant,
      ),
    "Add",
  );
}
