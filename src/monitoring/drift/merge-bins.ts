import { sum, type TwoSamples } from "./two-samples.ts";

/** With fewer expected rows in a bin, chi-square is no good approximation (Cochran 1954). */
const MIN_EXPECTED = 4;
/** Of the one bin of all that is rare. */
const MIN_EXPECTED_OF_RARE = 1;

/**
 * Merges bins in which few rows are expected, by the counts of both samples together, which keeps the level of a test. Neighbours are merged where bins have an order;
 * where they have none, all that are rare become one, which is left out if even that is rare.
 */
export function mergeBins(samples: TwoSamples, isOrdered: boolean): TwoSamples {
  const m = sum(samples.reference);
  const n = sum(samples.window);
  const share = Math.min(m, n) / Math.max(1, m + n);
  const expected = (bin: number): number =>
    ((samples.reference[bin] as number) + (samples.window[bin] as number)) * share;
  return isOrdered ? mergeNeighbours(samples, expected) : mergeRare(samples, expected);
}

/** With a bin of its own for missing values, unless they are rare. */
export function addMissing(samples: TwoSamples, reference: number, window: number): TwoSamples {
  const m = sum(samples.reference) + reference;
  const n = sum(samples.window) + window;
  const expected = ((reference + window) * Math.min(m, n)) / Math.max(1, m + n);
  if (expected < MIN_EXPECTED_OF_RARE) return samples;
  return {
    reference: [...samples.reference, reference],
    window: [...samples.window, window],
  };
}

function mergeNeighbours(samples: TwoSamples, expected: (bin: number) => number): TwoSamples {
  const reference: number[] = [];
  const window: number[] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const [bin, count] of samples.reference.entries()) {
    if (filled >= MIN_EXPECTED) {
      reference.push(0);
      window.push(0);
      filled = 0;
    }
    const last = reference.length - 1;
    reference[last] = (reference[last] as number) + count;
    window[last] = (window[last] as number) + (samples.window[bin] as number);
    filled += expected(bin);
  }
  if (filled < MIN_EXPECTED && reference.length > 1) {
    const last = reference.length - 2;
    reference[last] = (reference[last] as number) + (reference.pop() as number);
    window[last] = (window[last] as number) + (window.pop() as number);
  }
  return { reference, window };
}

function mergeRare(samples: TwoSamples, expected: (bin: number) => number): TwoSamples {
  const reference: number[] = [];
  const window: number[] = [];
  const rare = { reference: 0, window: 0, expected: 0 };
  for (const [bin, count] of samples.reference.entries()) {
    const inWindow = samples.window[bin] as number;
    if (expected(bin) >= MIN_EXPECTED) {
      reference.push(count);
      window.push(inWindow);
    } else {
      rare.reference += count;
      rare.window += inWindow;
      rare.expected += expected(bin);
    }
  }
  if (rare.expected >= MIN_EXPECTED_OF_RARE) {
    reference.push(rare.reference);
    window.push(rare.window);
  }
  return { reference, window };
}
