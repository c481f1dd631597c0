import type { Random } from "../../shared/random.ts";

/** The numbers from 0 in a random order, each order with the same chance: a Fisher-Yates shuffle. */
export function shuffled(count: number, random: Random): number[] {
  const order = new Array<number>(count).fill(0);
  shuffleNumbers(order, random);
  return order;
}

/** What {@link shuffled} returns, written to memory that is there. */
export function shuffleNumbers(
  order: { [at: number]: number; length: number },
  random: Random,
): void {
  for (let at = 0; at < order.length; at++) order[at] = at;
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const number = order[at] as number;
    order[at] = order[other] as number;
    order[other] = number;
  }
}
