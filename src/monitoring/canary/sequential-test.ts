/**
 * A test of whether one group is worse than another that may be looked at after each request, as often as one likes: a product of the e-variables
 * of Turner, Ly, Grünwald (2024), "Generic E-variables for exact sequential k-sample tests that allow for optional stopping", Journal of Statistical
 * Planning and Inference 230. Where the canary is not worse, the probability that the product is ever 1 / significance or more is at most the
 * significance (Ville's inequality): exactly, at any number of requests, for any sizes of the groups and shares that change while they go on.
 *
 * An outcome is a badness from 0 to 1, such as 1 for an error. A block has the outcomes of both groups since the last one; its e-variable compares
 * the likelihood of an alternative, chosen before the block, with that of the same mean for both. The alternatives are some odds ratios and the
 * shares seen so far, and the test is the mean of their products. They are all on the side where the canary is worse, on which the e-variables
 * are valid as well for canaries that are better.
 */
export interface SequentialTest {
  /** Logarithms of the product for each alternative. */
  logs: number[];
  /** The largest logarithm of the mean of the products so far. */
  maxLog: number;
  stable: GroupTotals;
  canary: GroupTotals;
}

export interface GroupTotals {
  count: number;
  /** The sum of the badness. */
  bad: number;
}

/** Counts of outcomes by their badness. */
export interface Outcomes {
  readonly levels: readonly number[];
  readonly counts: readonly number[];
}

/** How many times higher the odds of a bad outcome may be; besides, there is the alternative of the shares so far. */
const ODDS_RATIOS = [1.2, 1.5, 2, 4, 16];
/** What the first shares are made of, which no alternative could be chosen for before. */
const TRAINING_COUNT = 50;
const SMALLEST_SHARE = 1e-5;

export function createSequentialTest(): SequentialTest {
  return {
    logs: new Array<number>(ODDS_RATIOS.length + 1).fill(0),
    maxLog: 0,
    stable: { count: 0, bad: 0 },
    canary: { count: 0, bad: 0 },
  };
}

/** The significance at which the canary is worse: never below the true probability of so much by chance, at any look. */
export function significanceOf({ maxLog }: Pick<SequentialTest, "maxLog">): number {
  return Math.exp(-maxLog);
}

/** Adds a block, of which neither the sizes nor the end may depend on the outcomes. One without outcomes of both groups says nothing. */
export function addBlock(test: SequentialTest, stable: Outcomes, canary: Outcomes): void {
  const stableCount = sum(stable.counts);
  const canaryCount = sum(canary.counts);
  const isTrained = test.stable.count + test.canary.count >= TRAINING_COUNT;
  if (isTrained && stableCount > 0 && canaryCount > 0) {
    alternativesOf(test).forEach(([ofStable, ofCanary], index) => {
      const both = (stableCount * ofStable + canaryCount * ofCanary) / (stableCount + canaryCount);
      test.logs[index] =
        (test.logs[index] ?? 0) +
        logRatio(stable, ofStable, both) +
        logRatio(canary, ofCanary, both);
    });
    test.maxLog = Math.max(test.maxLog, logMean(test.logs));
  }
  addTotals(test.stable, stable, stableCount);
  addTotals(test.canary, canary, canaryCount);
}

/** Shares of bad outcomes, of stable and canary, the latter never smaller. */
function alternativesOf({ stable, canary }: SequentialTest): [number, number][] {
  const share = shareOf(stable);
  const alternatives = ODDS_RATIOS.map((ratio): [number, number] => [
    share,
    clamp((ratio * share) / (1 - share + ratio * share)),
  ]);
  const seen = shareOf(canary);
  return [...alternatives, seen > share ? [share, seen] : [share, share]];
}

function shareOf({ count, bad }: GroupTotals): number {
  return clamp((bad + 0.5) / (count + 1));
}

function clamp(share: number): number {
  return Math.min(1 - SMALLEST_SHARE, Math.max(SMALLEST_SHARE, share));
}

/** The logarithm of the likelihood ratio, which is linear in the badness, so that its expectation depends on the mean alone. */
function logRatio({ levels, counts }: Outcomes, share: number, both: number): number {
  let log = 0;
  counts.forEach((count, index) => {
    if (count === 0) return;
    const level = levels[index] ?? 0;
    log += count * Math.log((level * share) / both + ((1 - level) * (1 - share)) / (1 - both));
  });
  return log;
}

function logMean(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  return largest + Math.log(sum(logs.map((log) => Math.exp(log - largest))) / logs.length);
}

function addTotals(totals: GroupTotals, { levels, counts }: Outcomes, count: number): void {
  totals.count += count;
  totals.bad += sum(counts.map((each, index) => each * (levels[index] ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
