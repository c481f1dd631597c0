import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";

/**
 * Changes the sample rate of a signal as `scipy.signal.resample_poly` does with its defaults: a low-pass
 * filter against aliases of 20 * max(up, down) + 1 taps, a sinc in a Kaiser window of beta 5, in polyphase form. The
 * signal may come in pieces of any length, which do not change the result.
 */

const KAISER_BETA = 5;
const HALF_LENGTH_FACTOR = 10;

/** The limit of `up` and `down`: the filter of rates without a common factor would take megabytes. */
const MAX_FACTOR = 50_000;

/** The filter of a pair of rates. It has no state, so that resamplers share it. */
export interface ResamplingFilter {
  readonly up: number;
  readonly down: number;
  /** Taps of a phase; the taps of phase p are `taps[p * tapsPerPhase ...]`, the newest sample first. */
  readonly tapsPerPhase: number;
  readonly taps: Float64Array;
  /** Half the length of the whole filter, in steps of 1 / (from * up) seconds. */
  readonly half: number;
}

/**
 * @param from and `to` in Hz
 * @returns the ratio of the rates in lowest terms
 * @throws ApiError `invalid_input` when the rates have too small a common factor
 */
export function checkRates(from: number, to: number, path: string): { up: number; down: number } {
  const divisor = greatestCommonDivisor(from, to);
  const [up, down] = [to / divisor, from / divisor];
  if (Math.max(up, down) <= MAX_FACTOR) return { up, down };
  throw new ApiError(
    "invalid_input",
    `${path} has a rate of ${from} Hz, whose ratio to the model's ${to} Hz (${up}:${down}) needs too large a filter: send it at ${to} Hz or another common rate.`,
  );
}

/**
 * @param checkpoint awaited between two pieces of work: rates without a common factor need a filter of a million taps
 * @throws ApiError of {@link checkRates}
 */
export async function designFilter(
  from: number,
  to: number,
  path: string,
  checkpoint: Call["checkpoint"],
): Promise<ResamplingFilter> {
  const { up, down } = checkRates(from, to, path);
  const most = Math.max(up, down);
  const half = most === 1 ? 0 : HALF_LENGTH_FACTOR * most;
  const length = 2 * half + 1;
  const tapsPerPhase = Math.ceil(length / up);
  const taps = new Float64Array(up * tapsPerPhase);
  const prototype = await lowPass(half, 1 / most, checkpoint);
  for (let index = 0; index < length; index++)
    taps[(index % up) * tapsPerPhase + Math.floor(index / up)] = (prototype[index] ?? 0) * up;
  return { up, down, tapsPerPhase, taps, half };
}

/** The state from which a resampler continues. */
export interface ResamplerState {
  /** Input samples so far. */
  readonly received: number;
  /** The last input samples that the next outputs depend on: {@link historyLength}. */
  readonly history: Float32Array;
}

export const INITIAL_RESAMPLER: ResamplerState = { received: 0, history: new Float32Array(0) };

/** How many output samples are computed after `received` input samples: those that depend on no later ones. */
export function producedSamples({ up, down, half }: ResamplingFilter, received: number): number {
  // Output n depends on the samples up to floor((n * down + half) / up).
  return Math.max(0, Math.floor((received * up - 1 - half) / down) + 1);
}

/** How many of the last input samples the next outputs depend on. */
export function historyLength(filter: ResamplingFilter, received: number): number {
  const { up, down, half, tapsPerPhase } = filter;
  const position = producedSamples(filter, received) * down + half;
  const oldest = Math.max(0, Math.floor(position / up) - tapsPerPhase + 1);
  return Math.max(0, received - oldest);
}

/** Resamples one signal, from its beginning or from the state of another resampler. */
export class Resampler {
  readonly #filter: ResamplingFilter;
  #received: number;
  #history: Float32Array;

  constructor(filter: ResamplingFilter, { received, history }: ResamplerState = INITIAL_RESAMPLER) {
    this.#filter = filter;
    this.#received = received;
    this.#history = history;
  }

  get state(): ResamplerState {
    return { received: this.#received, history: this.#history };
  }

  /** Takes the next input samples; returns the output samples that depend on no later ones. */
  push(samples: Float32Array): Float32Array {
    const filter = this.#filter;
    const received = this.#received + samples.length;
    const signal = concatenate(this.#history, samples);
    const from = producedSamples(filter, this.#received);
    const output = this.#compute(signal, received, from, producedSamples(filter, received));
    this.#history = signal.slice(signal.length - historyLength(filter, received));
    this.#received = received;
    return output;
  }

  /** The remaining output samples, with silence after the end of the signal. `push` may not follow. */
  finish(): Float32Array {
    const { up, down } = this.#filter;
    const from = producedSamples(this.#filter, this.#received);
    const to = Math.ceil((this.#received * up) / down);
    return this.#compute(this.#history, this.#received, from, to);
  }

  /** @param signal the last of the `received` samples that the outputs depend on */
  #compute(signal: Float32Array, received: number, from: number, to: number): Float32Array {
    const { up, down, half, tapsPerPhase, taps } = this.#filter;
    const first = received - signal.length;
    const output = new Float32Array(to - from);
    for (let index = 0; index < output.length; index++) {
      const position = (from + index) * down + half;
      const newest = Math.floor(position / up) - first;
      const row = (position % up) * tapsPerPhase;
      // Before the beginning and after the end there is silence.
      const lastTap = Math.min(tapsPerPhase, newest + 1);
      let sum = 0;
      for (let tap = Math.max(0, newest - signal.length + 1); tap < lastTap; tap++)
        sum += (taps[row + tap] ?? 0) * (signal[newest - tap] ?? 0);
      output[index] = sum;
    }
    return output;
  }
}

function concatenate(first: Float32Array, second: Float32Array): Float32Array {
  if (first.length === 0) return second;
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Between two checkpoints: a few milliseconds. */
const TAPS_PER_STEP = 8192;

/** `scipy.signal.firwin(2 * half + 1, cutoff, window=("kaiser", 5.0))`: its taps add up to 1. */
async function lowPass(
  half: number,
  cutoff: number,
  checkpoint: Call["checkpoint"],
): Promise<Float64Array> {
  const taps = new Float64Array(2 * half + 1);
  if (half === 0) return taps.fill(1);
  const denominator = besselI0(KAISER_BETA);
  let sum = 0;
  for (let step = 0; step <= half; step++) {
    const angle = Math.PI * cutoff * step;
    const sinc = step === 0 ? cutoff : (cutoff * Math.sin(angle)) / angle;
    const window = besselI0(KAISER_BETA * Math.sqrt(1 - (step / half) ** 2)) / denominator;
    const tap = sinc * window;
    taps[half - step] = tap;
    taps[half + step] = tap;
    sum += step === 0 ? tap : 2 * tap;
    if (step % TAPS_PER_STEP === TAPS_PER_STEP - 1) await checkpoint();
  }
  for (let index = 0; index < taps.length; index++) taps[index] = (taps[index] as number) / sum;
  return taps;
}

/** The modified Bessel function of order 0, by its power series; all its terms are positive. */
function besselI0(x: number): number {
  const square = (x / 2) ** 2;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= square / (k * k);
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
