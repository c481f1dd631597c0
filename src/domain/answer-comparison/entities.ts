import { type Comparison, isListOf, isRecord } from "./comparison.ts";
import { overItems } from "./over-items.ts";

type Entity = Readonly<Record<string, unknown>>;

const isEntity = (item: unknown): item is Entity =>
  isRecord(item) && typeof (item.entity_group ?? item.entity) === "string";

const keyOf = ({ entity_group, entity, start, end }: Entity): string =>
  JSON.stringify([entity_group ?? entity, start, end]);

/** Of entities, or labelled tokens: the same when all are. */
export const compareEntities = overItems(
  (value) => isListOf(value, isEntity),
  (first, second): Comparison => {
    const rest = new Map<string, number>();
    for (const entity of second) rest.set(keyOf(entity), (rest.get(keyOf(entity)) ?? 0) + 1);
    let matched = 0;
    for (const entity of first) {
      const left = rest.get(keyOf(entity)) ?? 0;
      if (left === 0) continue;
      matched += 1;
      rest.set(keyOf(entity), left - 1);
    }
    return toMismatch("entity_mismatch", matched, first.length, second.length);
  },
);

/** By Dice's coefficient of what two answers have in common. */
export function toMismatch(
  measure: "entity_mismatch" | "box_mismatch",
  matched: number,
  first: number,
  second: number,
): Comparison {
  return {
    same: matched === first && matched === second,
    measure,
    distance: first + second === 0 ? 0 : 1 - (2 * matched) / (first + second),
    detail: { matched, unmatched: first + second - 2 * matched },
  };
}
