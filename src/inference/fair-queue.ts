import type { Client } from "../domain/admission.ts";
import { throwIfAborted } from "../domain/call.ts";

/** A request in the queue. */
export interface Queued {
  /** Requests of one model are in the order of arrival, and models have equal shares of the time. */
  readonly model: string;
  /** How long its next piece of work is expected to take, in milliseconds; `undefined` if that is not known. */
  expectedMs(): number | undefined;
  /** Whether it gives way to all others. */
  readonly isSpare?: boolean;
}

/**
 * The length of a time slice, in which requests run; a pause follows each. The event loop reads the network only when
 * nothing else can run, and a request for a loaded model never waits: without pauses, requests queue in the network,
 * where they are not counted, and none is refused (measured: at ten times the capacity, responses after 24 s). A pause
 * resumes every waiting request, so it has a cost. A request of another model waits for up to three slices: until it is
 * read, until its body is, and for the rest of its own.
 */
export const SLICE_MS = 25;
/**
 * Pauses after each piece of what gives way. A request that arrives meanwhile is in no queue until it is read, its body is, and its model is found; without these
 * pauses the next piece begins in between (measured with two clients and a shadow of 0.4 to 0.6 s: requests took 536 ms in the median and 1220 ms in 95 %, with
 * them 3.5 ms and 714 ms).
 */
const PAUSES_AFTER_SPARE = 8;
/** Requests in a time slice where the clock stands still, so that every request seems to take no time. */
const SLICE_REQUESTS = 25;
/** Largest number of requests in a time slice. */
const MAX_SLICE_REQUESTS = 400;

/**
 * Time slices, shared between models by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): the next request is
 * one of the model that has had the least time, counted from when it began to have requests in the queue.
 */
export class FairQueue {
  readonly #pause: () => Promise<void>;
  /** By model, in the order of arrival. */
  readonly #waiting = new Map<string, Set<Queued>>();
  /** What is served when nothing else waits, in the order of arrival. */
  readonly #spare = new Set<Queued>();
  /** The time that each model has had, unless it has none in the queue and had no more than others. */
  readonly #servedMs = new Map<string, number>();
  /** That of the model served last. */
  #virtualMs = 0;
  /** What is left of this time slice. */
  #availableMs = SLICE_MS;
  #slices = 0;
  /** Pauses before anything that gives way is served. */
  #sparePauses = 0;

  /** @param pause lets the event loop read the network */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Takes time of the current slice; returns whether there was enough. */
  tryTake(request: Queued): boolean {
    if (this.#waiting.size > 0) return false;
    if (request.isSpare && (this.#spare.size > 0 || this.#sparePauses > 0)) return false;
    const costMs = toCost(request);
    // One request may always take a whole slice.
    if (costMs > this.#availableMs && this.#availableMs < SLICE_MS) {
      if (!request.isSpare) this.endSlice();
      return false;
    }
    this.#serve(request, costMs);
    return true;
  }

  /** No further request runs before the next pause. */
  endSlice(): void {
    this.#availableMs = 0;
  }

  /**
   * Waits for a time slice.
   * @throws ApiError `client_closed_request` when the client has closed the connection meanwhile
   */
  async wait(request: Queued, client: Client): Promise<void> {
    const waiting = this.#add(request);
    while (waiting.has(request)) {
      const slice = this.#slices;
      await this.#pause();
      if (client.signal.aborted) this.#remove(request);
      // The first request that resumes begins the next slice for all.
      if (this.#slices === slice) this.#beginSlice();
    }
    throwIfAborted(client.signal);
  }

  /** @returns the requests among which it waits */
  #add(request: Queued): Set<Queued> {
    if (request.isSpare) return this.#spare.add(request);
    const { model } = request;
    const ofModel = this.#waiting.get(model) ?? new Set();
    if (ofModel.size === 0) this.#waiting.set(model, ofModel);
    return ofModel.add(request);
  }

  #beginSlice(): void {
    this.#slices += 1;
    this.#availableMs = SLICE_MS;
    for (const [model, served] of this.#servedMs)
      if (served <= this.#virtualMs && !this.#waiting.has(model)) this.#servedMs.delete(model);
    if (this.#sparePauses > 0) this.#sparePauses -= 1;
    for (let isFirst = true; this.#hasNext(); isFirst = false) {
      const request = this.#next();
      const costMs = toCost(request);
      if (costMs > this.#availableMs && !isFirst) break;
      this.#remove(request);
      this.#serve(request, costMs);
    }
    // What is left would let later requests overtake those that did not fit.
    if (this.#waiting.size > 0) this.endSlice();
  }

  #hasNext(): boolean {
    return this.#waiting.size > 0 || (this.#spare.size > 0 && this.#sparePauses === 0);
  }

  /** The first request of the model that has had the least time. */
  #next(): Queued {
    let best: Queued | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [model, requests] of this.#waiting) {
      const served = this.#servedMs.get(model) ?? this.#virtualMs;
      if (served >= least) continue;
      [best] = requests;
      least = served;
    }
    if (!best) [best] = this.#spare;
    if (!best) throw new Error("the queue is empty");
    return best;
  }

  #serve({ model, isSpare }: Queued, costMs: number): void {
    this.#availableMs = Math.max(0, this.#availableMs - costMs);
    if (isSpare) {
      this.#sparePauses = PAUSES_AFTER_SPARE;
      return;
    }
    const served = Math.max(this.#servedMs.get(model) ?? 0, this.#virtualMs);
    this.#virtualMs = Math.max(this.#virtualMs, served);
    this.#servedMs.set(model, served + costMs);
  }

  #remove(request: Queued): void {
    if (request.isSpare) {
      this.#spare.delete(request);
      return;
    }
    const ofModel = this.#waiting.get(request.model);
    ofModel?.delete(request);
    if (ofModel?.size === 0) this.#waiting.delete(request.model);
  }
}

/** No queue: requests wait in another isolate. */
export class Unqueued implements Pick<FairQueue, "tryTake" | "endSlice" | "wait"> {
  readonly #pause: () => Promise<void>;

  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  tryTake(): boolean {
    return true;
  }

  endSlice(): void {}

  async wait(_request: Queued, client: Client): Promise<void> {
    await this.#pause();
    throwIfAborted(client.signal);
  }
}

/** What a request takes of a time slice: all of it while service times are unknown. */
function toCost(request: Queued): number {
  const expectedMs = request.expectedMs();
  if (expectedMs === undefined) return SLICE_MS;
  return expectedMs === 0
    ? SLICE_MS / SLICE_REQUESTS
    : Math.max(expectedMs, SLICE_MS / MAX_SLICE_REQUESTS);
}
