import type { Admission, Permit } from "../domain/admission.ts";
import { yieldToEventLoop } from "../domain/call.ts";
import { Deadline, deadlineExceeded, toRetryAfterSeconds } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";

/**
 * Admission control. Runs are synchronous, so the requests in flight are a queue: the wait of the next one
 * is their number times the average service time. Beyond the limit a request is refused at once, with the time after
 * which it would be accepted: that costs less than to process it and respond too late.
 */
export interface AdmissionOptions {
  /** Largest number of requests in flight in one isolate, which limits the memory of their bodies. */
  readonly maxInFlight: number;
  /** Longest estimated wait that is accepted. One request may always wait for another. */
  readonly maxQueueMs: number;
  /** Default deadline of a request, from its arrival. */
  readonly defaultTimeoutMs: number;
  readonly now?: () => number;
  /** Lets the event loop read the network. */
  readonly pause?: () => Promise<void>;
}

/** How long after its deadline a permit counts as lost: a request that the platform ended never releases its own. */
const LOST_AFTER_MS = 30_000;
/**
 * The length of a time slice, in which requests run; a pause follows each. The event loop reads the network only when
 * nothing else can run, and a request for a loaded model never waits: without pauses, requests queue in the network,
 * where they are not counted, and none is refused (measured: at ten times the capacity, responses after 24 s). A pause
 * resumes every waiting request, so it has a cost.
 */
const SLICE_MS = 50;
/** Requests in a time slice where the clock stands still, so that service times are unknown. */
const SLICE_REQUESTS = 25;
/** Largest number of requests in a time slice. */
const MAX_SLICE_REQUESTS = 400;
/** Weight of the newest sample in the moving average. */
const SMOOTHING = 0.1;

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, maxQueueMs, defaultTimeoutMs } = options;
  const { now = () => performance.now(), pause = yieldToEventLoop } = options;
  /** When each permit counts as lost, in the order of arrival. */
  const inFlight = new Map<Permit, number>();
  /**
   * Moving average of the service time. On Cloudflare's network clocks stand still while the CPU works, so
   * samples are 0 there and only `maxInFlight` applies; in workerd on other machines they are accurate.
   */
  let serviceMs: number | undefined;
  /** In the order of arrival. */
  const queue = new Set<Permit>();
  /** How many more requests may run in this time slice; the first slice ends when a service time is known. */
  let available = 1;
  let slices = 0;

  const queuedMs = (): number => inFlight.size * (serviceMs ?? 0);

  function expireLost(time: number): void {
    for (const [permit, lostAt] of inFlight) if (time > lostAt) inFlight.delete(permit);
  }

  function beginSlice(): void {
    slices += 1;
    available = sliceRequests(serviceMs);
    for (const permit of queue) {
      if (available === 0) break;
      available -= 1;
      queue.delete(permit);
    }
  }

  async function enqueue(permit: Permit): Promise<void> {
    queue.add(permit);
    while (queue.has(permit)) {
      const slice = slices;
      await pause();
      // The first request that resumes begins the next slice for all.
      if (slices === slice) beginSlice();
    }
  }

  return {
    admit(timeoutMs = defaultTimeoutMs) {
      const arrivedAt = now();
      expireLost(arrivedAt);
      const average = serviceMs ?? 0;
      const waitMs = queuedMs();
      const maxWaitMs = Math.max(maxQueueMs, average);
      if (inFlight.size >= maxInFlight)
        throw overloaded(`${inFlight.size} requests are in flight, the most accepted.`, waitMs);
      if (waitMs > maxWaitMs)
        throw overloaded(
          `The estimated wait of ${Math.ceil(waitMs)} ms is over the limit of ${Math.ceil(maxWaitMs)} ms.`,
          waitMs - maxWaitMs + average,
        );
      if (waitMs > timeoutMs)
        throw deadlineExceeded(
          `The estimated wait of ${Math.ceil(waitMs)} ms is over the request's timeout of ${timeoutMs} ms.`,
          waitMs - timeoutMs + average,
        );
      const permit: Permit = {
        deadline: new Deadline({ timeoutMs, now, retryAfterMs: queuedMs }),
        acquire() {
          if (available === 0) return enqueue(permit);
          available -= 1;
          return undefined;
        },
        yield() {
          available = 0;
          return enqueue(permit);
        },
        release(sampleMs) {
          if (!inFlight.delete(permit) || sampleMs === undefined) return;
          serviceMs =
            serviceMs === undefined ? sampleMs : serviceMs + SMOOTHING * (sampleMs - serviceMs);
        },
      };
      inFlight.set(permit, arrivedAt + timeoutMs + LOST_AFTER_MS);
      return permit;
    },
  };
}

function sliceRequests(serviceMs: number | undefined): number {
  if (serviceMs === undefined) return 1;
  if (serviceMs === 0) return SLICE_REQUESTS;
  return Math.min(MAX_SLICE_REQUESTS, Math.max(1, Math.floor(SLICE_MS / serviceMs)));
}

function overloaded(message: string, waitMs: number): ApiError {
  const retryAfterSeconds = toRetryAfterSeconds(waitMs);
  return new ApiError("overloaded", `${message} Try again in ${retryAfterSeconds} s.`, {
    details: { retryAfterSeconds },
  });
}
