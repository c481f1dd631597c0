import type { EventSampling, RequestEvent } from "../domain/event.ts";

export interface SamplingSettings {
  /** The share of the events of requests that is written, from 0 to 1. */
  readonly rate: number;
  /** That of models which have another one, by name. */
  readonly rateByModel: ReadonlyMap<string, number>;
  /** From which duration on the event of a request is always written, in milliseconds. */
  readonly slowMs: number;
}

/** Decides whether the event of a request is written: `undefined` when it is not. */
export type Sample = (event: RequestEvent) => EventSampling | undefined;

const ERROR: EventSampling = { rate: 1, reason: "error" };
const COLD_START: EventSampling = { rate: 1, reason: "cold_start" };
const SLOW: EventSampling = { rate: 1, reason: "slow" };

/** Errors, cold starts and slow requests are always written, and of the others a share that is drawn at random. */
export function createSampler(
  { rate, rateByModel, slowMs }: SamplingSettings,
  random: () => number = Math.random,
): Sample {
  const byRate = new Map<number, EventSampling>();
  for (const each of [rate, ...rateByModel.values()])
    byRate.set(each, { rate: each, reason: "rate" });
  const sampling = byRate.get(rate);

  return (event) => {
    if (event.status >= 400 || event.errorCode !== undefined) return ERROR;
    if (event.coldStart) return COLD_START;
    if (event.totalMs >= slowMs) return SLOW;
    const ofModel = event.model === undefined ? undefined : rateByModel.get(event.model);
    const drawn = ofModel === undefined ? sampling : byRate.get(ofModel);
    if (!drawn || (drawn.rate < 1 && random() >= drawn.rate)) return undefined;
    return drawn;
  };
}
