import { parseArgs } from "node:util";
import {
  addBlock,
  createSequentialTest,
  significanceOf,
} from "../src/monitoring/canary/sequential-test.ts";

/**
 * How often the sequential test of canaries calls one worse, when it is looked at after each request: of canaries that are no worse, and of those that
 * are. Prints the table of docs/accuracy.md.
 */
const { values } = parseArgs({
  options: {
    canaries: { type: "string", default: "2000" },
    requests: { type: "string", default: "20000" },
    significance: { type: "string", default: "0.01" },
    seed: { type: "string", default: "1" },
  },
});
const canaries = Number(values.canaries);
const requests = Number(values.requests);
const significance = Number(values.significance);
const LEVELS = [0, 1];

/** Mulberry32, so that a table can be made again. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @returns after how many requests the canary is called worse; `undefined` when it is not */
function observe(random: () => number, [stable, canary]: Shares, weight: number) {
  const test = createSequentialTest();
  const counts = { stable: [0, 0], canary: [0, 0] };
  for (let request = 1; request <= requests; request++) {
    const isCanary = random() < weight;
    const group = isCanary ? counts.canary : counts.stable;
    const isBad = random() < (isCanary ? canary : stable);
    group[isBad ? 1 : 0] = (group[isBad ? 1 : 0] ?? 0) + 1;
    const isBlock = counts.stable.some(Boolean) && counts.canary.some(Boolean);
    if (!isBlock) continue;
    addBlock(
      test,
      { levels: LEVELS, counts: counts.stable },
      { levels: LEVELS, counts: counts.canary },
    );
    counts.stable = [0, 0];
    counts.canary = [0, 0];
    if (significanceOf(test) <= significance) return request;
  }
  return undefined;
}

type Shares = readonly [stable: number, canary: number];
const CASES: readonly Shares[] = [
  [0.001, 0.001],
  [0.01, 0.01],
  [0.1, 0.1],
  [0.4, 0.4],
  [0.1, 0.08],
  [0.001, 0.01],
  [0.01, 0.02],
  [0.01, 0.05],
  [0.1, 0.13],
  [0.1, 0.2],
];

console.log(`${canaries} canaries, ${requests} requests, significance ${significance}`);
console.log("| stable | canary | weight | called worse | requests until then, median |");
console.log("| --- | --- | --- | --- | --- |");
for (const weight of [0.5, 0.05])
  for (const shares of CASES) {
    const random = createRandom(Number(values.seed));
    const ends: number[] = [];
    for (let index = 0; index < canaries; index++) {
      const end = observe(random, shares, weight);
      if (end !== undefined) ends.push(end);
    }
    ends.sort((a, b) => a - b);
    const median = ends[Math.floor(ends.length / 2)] ?? "-";
    const share = ((100 * ends.length) / canaries).toFixed(2);
    console.log(`| ${shares[0]} | ${shares[1]} | ${weight} | ${share} % | ${median} |`);
  }
