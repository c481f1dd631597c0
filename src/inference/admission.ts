import type { AdmissionRequest, Permit, SpareAdmission } from "../domain/admission.ts";
import { yieldToEventLoop } from "../domain/call.ts";
import { Deadline, deadlineExceeded, toRetryAfterSeconds } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";
import { FairQueue, type Queued, Unqueued } from "./fair-queue.ts";
import { ServiceTimes, toward } from "./service-times.ts";

/**
 * Admission control. Runs are synchronous, so the requests in flight are a queue, whose wait is estimated by the service
 * times of its models. Beyond the limit a request is refused at once, with the time after which it would be accepted: that
 * costs less than to process it and respond too late.
 */
export interface AdmissionOptions {
  /** Largest number of requests in flight in one isolate. */
  readonly maxInFlight: number;
  /** Longest estimated wait that is accepted. One request may always wait for another. */
  readonly maxQueueMs: number;
  /** The longest deadline of a request, and that of a request without one. */
  readonly maxTimeoutMs: number;
  readonly now?: () => number;
  /** Lets the event loop read the network. */
  readonly pause?: () => Promise<void>;
  /** Whether requests wait here for their time slices: not where another isolate has the queue. True by default. */
  readonly isQueued?: boolean;
}

/** How long after its deadline a permit counts as lost: a request that the platform ended never releases its own. */
const LOST_AFTER_MS = 30_000;
/** The share of the requests in flight that is kept for models with fewer than that; of small limits there is none. */
const RESERVED_SHARE = 1 / 8;
const RESERVED_FROM = 16;
/** The share of either limit up to which requests leave time for what gives way to them. */
const SPARE_SHARE = 1 / 4;
/** The model of requests that name none. */
const UNKNOWN = "";

/** An admitted request. */
interface InFlight extends Queued {
  readonly bodyBytes: number | undefined;
  readonly lostAt: number;
  /** For how long it has kept the isolate busy. */
  busyMs: number;
}

/** What a model has in flight. */
interface ModelLoad {
  readonly requests: Set<InFlight>;
  /** Average time between two yields of a request; `undefined` while none has yielded. */
  sliceMs: number | undefined;
}

export function createAdmission(options: AdmissionOptions): SpareAdmission {
  const { maxInFlight, maxQueueMs, maxTimeoutMs } = options;
  const { now = () => performance.now(), pause = yieldToEventLoop, isQueued = true } = options;
  const reserved = maxInFlight < RESERVED_FROM ? 0 : Math.floor(maxInFlight * RESERVED_SHARE);
  const times = new ServiceTimes();
  /** Of what gives way to requests: of other versions, as a rule. */
  const spareTimes = new ServiceTimes();
  const queue = isQueued ? new FairQueue(pause) : new Unqueued(pause);
  /** Models with requests in flight. */
  const loads = new Map<string, ModelLoad>();
  let inFlight = 0;

  function remove(request: InFlight): boolean {
    const load = loads.get(request.model);
    if (!load?.requests.delete(request)) return false;
    inFlight -= 1;
    if (load.requests.size === 0) loads.delete(request.model);
    return true;
  }

  /** @returns whether there were any */
  function expireLost(): boolean {
    const before = inFlight;
    const time = now();
    for (const { requests } of loads.values())
      for (const request of requests) if (time > request.lostAt) remove(request);
    return inFlight < before;
  }

  /** What is left of a request, in milliseconds. */
  function remainingMs({ model, bodyBytes, busyMs }: InFlight): number {
    return Math.max(0, (times.expect(model, bodyBytes) ?? 0) - busyMs);
  }

  function backlogMs({ requests }: ModelLoad): number {
    let sum = 0;
    for (const request of requests) sum += remainingMs(request);
    return sum;
  }

  /** The longest work of a model that nothing interrupts: a request, or the time after which its requests yield. */
  function longestMs({ requests, sliceMs }: ModelLoad): number {
    if (sliceMs !== undefined) return sliceMs;
    let longest = 0;
    for (const request of requests) longest = Math.max(longest, remainingMs(request));
    return longest;
  }

  /** While the requests of a model are served, every other model gets as much time, and ends the work that it has begun. */
  function waitMs(model: string): number {
    const own = loads.get(model);
    const ownMs = own ? backlogMs(own) : 0;
    let wait = ownMs;
    for (const load of loads.values())
      if (load !== own) wait += Math.min(backlogMs(load), ownMs + longestMs(load));
    return wait;
  }

  function totalMs(): number {
    let sum = 0;
    for (const load of loads.values()) sum += backlogMs(load);
    return sum;
  }

  function isBusy(): boolean {
    return inFlight > maxInFlight * SPARE_SHARE || totalMs() > maxQueueMs * SPARE_SHARE;
  }

  function checkCount(model: string, isKnown: boolean): void {
    const own = loads.get(model)?.requests.size ?? 0;
    if (inFlight < maxInFlight - reserved || (inFlight < maxInFlight && own < reserved)) return;
    if (inFlight >= maxInFlight)
      throw overloaded(`${inFlight} requests are in flight, the most accepted.`, totalMs());
    if (isKnown)
      throw overloaded(
        `${inFlight} requests are in flight, ${own} of them for this model: the last ${reserved} of ${maxInFlight} are for other models.`,
        totalMs(),
      );
  }

  function check(request: AdmissionRequest): void {
    if (inFlight === 0) return;
    try {
      refuse(request);
    } catch (error) {
      if (!expireLost()) throw error;
      refuse(request);
    }
  }

  /** @throws ApiError `overloaded`, `deadline_exceeded` */
  function refuse({ deadline, model, bodyBytes }: AdmissionRequest): void {
    checkCount(model ?? UNKNOWN, model !== undefined);
    if (model === undefined) return;
    const average = times.expect(model, bodyBytes) ?? 0;
    const wait = waitMs(model);
    // One request may always wait for another.
    let maxWaitMs = Math.max(maxQueueMs, average);
    if (wait > maxWaitMs)
      for (const load of loads.values()) maxWaitMs = Math.max(maxWaitMs, longestMs(load));
    if (wait > maxWaitMs)
      throw overloaded(
        `The estimated wait of ${Math.ceil(wait)} ms is over the limit of ${Math.ceil(maxWaitMs)} ms.`,
        wait - maxWaitMs + average,
      );
    const { remainingMs: left, timeoutMs } = deadline;
    if (wait > left)
      throw deadlineExceeded(
        `The estimated wait of ${Math.ceil(wait)} ms is over what is left of the request's timeout of ${timeoutMs} ms.`,
        wait - left + average,
      );
  }

  return {
    begin: (timeoutMs = maxTimeoutMs) =>
      new Deadline({
        timeoutMs: Math.min(timeoutMs, maxTimeoutMs),
        now,
        retryAfterMs: totalMs,
      }),
    check,
    admit(admitted) {
      const { deadline, model = UNKNOWN, bodyBytes } = admitted;
      check({ ...admitted, model });
      const load = loads.get(model) ?? { requests: new Set(), sliceMs: undefined };
      const request: InFlight = {
        model,
        bodyBytes,
        lostAt: now() + deadline.remainingMs + LOST_AFTER_MS,
        busyMs: 0,
        expectedMs() {
          const expected = times.expect(model, bodyBytes);
          return request.busyMs > 0 ? (load.sliceMs ?? expected) : expected;
        },
      };
      load.requests.add(request);
      loads.set(model, load);
      inFlight += 1;
      const permit: Permit = {
        acquire: (client) => (queue.tryTake(request) ? undefined : queue.wait(request, client)),
        yield(busyMs, client) {
          load.sliceMs = toward(load.sliceMs, Math.max(0, busyMs - request.busyMs));
          request.busyMs = busyMs;
          queue.endSlice();
          return queue.wait(request, client);
        },
        release(sampleMs) {
          if (remove(request) && sampleMs !== undefined) times.add(model, bodyBytes, sampleMs);
        },
      };
      return permit;
    },
    admitSpare({ model = UNKNOWN, bodyBytes }) {
      if (isBusy() && !(expireLost() && !isBusy())) return undefined;
      const work: Queued = {
        model,
        isSpare: true,
        expectedMs: () => spareTimes.expect(model, bodyBytes),
      };
      return {
        acquire: (client) => (queue.tryTake(work) ? undefined : queue.wait(work, client)),
        yield(_busyMs, client) {
          queue.endSlice();
          return queue.wait(work, client);
        },
        release(sampleMs) {
          if (sampleMs !== undefined) spareTimes.add(model, bodyBytes, sampleMs);
        },
      };
    },
  };
}

function overloaded(message: string, waitMs: number): ApiError {
  const retryAfterSeconds = toRetryAfterSeconds(waitMs);
  return new ApiError("overloaded", `${message} Try again in ${retryAfterSeconds} s.`, {
    details: { retryAfterSeconds },
  });
}
