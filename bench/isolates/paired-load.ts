import type { LocalWorker } from "../../scripts/local-worker.ts";
import { rotate } from "../statistics.ts";
import { type ByPlacement, PLACEMENTS, type Placement } from "./placed-worker.ts";
import { type RequestSpec, send, type TimedResponse } from "./request.ts";

export interface Workload {
  readonly name: string;
  readonly model: string;
  /** @param index counts the requests to one Worker, from 0 */
  readonly request: (index: number) => RequestSpec;
  /** @throws Error when the response is wrong */
  readonly check: (response: TimedResponse) => void;
  /** Duration of the warm-up of each Worker, until the model is loaded and its code is optimized; default 0.4. */
  readonly warmUpSeconds?: number;
}

export interface Timings {
  /** Of requests one after the other: to the end of the response, and to its first byte. */
  readonly latenciesMs: readonly number[];
  readonly firstBytesMs: readonly number[];
  /** Requests per second of several clients at a time, each one after the other. */
  readonly perSecond: number;
}

/** The parts of `seconds` with one client, and with several. */
const ALONE_SHARE = 0.5;
const BUSY_SHARE = 0.3;
/** Duration of the requests to one Worker before the other's. */
const SLICE_SECONDS = 0.1;
/** With several clients the slice ends when the last of them has its response. */
const BUSY_SLICE_SECONDS = 0.15;
const WARM_UP_SECONDS = 0.4;

interface Slice {
  readonly responses: readonly TimedResponse[];
  readonly seconds: number;
}

/**
 * Measures a workload of two Workers, which get requests in short slices by turns: other load of the machine affects both
 * equally.
 * @throws Error when a request fails, or a response is wrong
 */
export async function measurePair(
  workers: ByPlacement<LocalWorker>,
  { request, check, warmUpSeconds = WARM_UP_SECONDS }: Workload,
  options: { readonly seconds: number; readonly clients: number; readonly round: number },
): Promise<ByPlacement<Timings>> {
  const counts = { own: 0, shared: 0 };

  async function slice(placement: Placement, clients: number, seconds: number): Promise<Slice> {
    const responses: TimedResponse[] = [];
    const startMs = performance.now();
    const client = async (): Promise<void> => {
      do responses.push(await send(workers[placement].url, request(counts[placement]++)));
      while (performance.now() - startMs < seconds * 1000);
    };
    await Promise.all(Array.from({ length: clients }, client));
    const elapsedMs = performance.now() - startMs;
    for (const response of responses.slice(-1)) check(response);
    return { responses, seconds: elapsedMs / 1000 };
  }

  async function alternate(
    clients: number,
    seconds: number,
    sliceSeconds: number,
  ): Promise<ByPlacement<Slice[]>> {
    const slices: ByPlacement<Slice[]> = { own: [], shared: [] };
    for (let i = 0; i * sliceSeconds < seconds; i++)
      for (const placement of rotate(PLACEMENTS, options.round + i))
        slices[placement].push(await slice(placement, clients, sliceSeconds));
    return slices;
  }

  await alternate(options.clients, warmUpSeconds / 2, warmUpSeconds / 2);
  await alternate(1, warmUpSeconds / 2, warmUpSeconds / 2);
  const alone = await alternate(1, ALONE_SHARE * options.seconds, SLICE_SECONDS);
  const busy = await alternate(options.clients, BUSY_SHARE * options.seconds, BUSY_SLICE_SECONDS);
  const timingsOf = (placement: Placement): Timings => {
    const responses = alone[placement].flatMap((each) => each.responses);
    const sum = (of: (each: Slice) => number): number =>
      busy[placement].reduce((total, each) => total + of(each), 0);
    return {
      latenciesMs: responses.map(({ elapsedMs }) => elapsedMs),
      firstBytesMs: responses.map(({ firstByteMs }) => firstByteMs),
      perSecond: sum((each) => each.responses.length) / sum((each) => each.seconds),
    };
  };
  return { own: timingsOf("own"), shared: timingsOf("shared") };
}
