import type { Random } from "../../shared/random.ts";

/** The numbers from 0 in a random order, each order with the same chance: a Fisher-Yates shuffle. */
export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] as number, order[at] as number];
  }
  return order;
}
